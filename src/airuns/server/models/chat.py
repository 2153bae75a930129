"""Messages and settings of the OpenAI chat shape, told in Anthropic's, and as chat takes them.

What has no translation goes through as it is: a caller can use either protocol's own fields. What
another protocol's answer left in a message (thinking, items of responses, marks of errors) goes
only where it is known, so that a run can be gone on with by any model.
Sources: OpenAI API reference, "Create chat completion"; Anthropic API reference, "Messages".
"""

from collections.abc import Callable
from typing import Any, cast

import msgspec

Message = dict[str, Any]
Block = dict[str, Any]

# A tool call within the content of a message of Anthropic's has its place by a part of this type.
CALL_PLACE = "tool_call"
OF_ANTHROPIC = frozenset(
    {CALL_PLACE, "redacted_thinking", "server_tool_use", "container_upload", "compaction"}
)
ITEMS_OF_RESPONSES = frozenset({"reasoning", "item_reference", "mcp_list_tools"})
OF_RESULTS = ("is_error", "cache_control")
OF_CALLS = ("cache_control", "caller")
OF_TEXTS = ("annotations", "logprobs")
OF_PARTS = (*OF_TEXTS, "citations", "context", "title")

SYSTEM_ROLES = ("system", "developer")
TOOL_CHOICES: dict[Any, Message] = {
    "auto": {"type": "auto"},
    "required": {"type": "any"},
    "none": {"type": "none"},
}


def anthropic_messages(messages: list[Message]) -> tuple[str | list[Block], list[Message]]:
    """Return the system text and the other messages.

    The system text is one string, or blocks when a system message comes in parts (which may mark
    what is to be cached).
    """
    system = [message.get("content") for message in messages if message["role"] in SYSTEM_ROLES]
    turns: list[Message] = []
    for message in messages:
        if message["role"] in SYSTEM_ROLES:
            continue
        turn = _turn(message)
        if message["role"] == "tool" and turns and _is_tool_results(turns[-1]):
            turns[-1]["content"] += turn["content"]
        else:
            turns.append(turn)
    return _system(system), turns


def _system(contents: list[Any]) -> str | list[Block]:
    if all(isinstance(content, str) for content in contents):
        return "\n\n".join(contents)
    return [block for content in contents for block in _blocks(content)]


def _turn(message: Message) -> Message:
    content = message.get("content")
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
        result |= {name: message[name] for name in OF_RESULTS if name in message}
        told = content if isinstance(content, str) else _blocks(content)
        return {"role": "user", "content": [result | {"content": told}]}
    if calls := message.get("tool_calls"):
        return {"role": message["role"], "content": _in_place(_blocks(content), calls)}
    return {
        "role": message["role"],
        "content": content if isinstance(content, str) else _blocks(content),
    }


def _is_tool_results(turn: Message) -> bool:
    content = turn["content"]
    return isinstance(content, list) and cast("list[Block]", content)[-1]["type"] == "tool_result"


def _in_place(blocks: list[Block], calls: list[Block]) -> list[Block]:
    """Put tool calls where the blocks say, the others at the end."""
    uses = [_tool_use(call) for call in calls]
    told: list[Block] = []
    for block in blocks:
        if block.get("type") == CALL_PLACE:
            placed = [use for use in uses if use["id"] == block.get("id")][:1]
            uses = [use for use in uses if use not in placed]
            told += placed
        else:
            told.append(block)
    return told + uses


def _blocks(content: Any) -> list[Block]:
    if not content:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_block(part) for part in content if not _is_of_responses(part)]


def _is_of_responses(part: Block) -> bool:
    kind = str(part.get("type"))
    ends = kind.endswith(("_call", "_call_output")) and kind != CALL_PLACE
    return ends or kind in ITEMS_OF_RESPONSES


def _block(part: Block) -> Block:
    kind = part.get("type")
    if kind == "text":
        return {name: value for name, value in part.items() if name not in OF_TEXTS}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    if kind == "image_url":
        url = part["image_url"]["url"]
        return {"type": "image", "source": _source(url)} | _rest(part, kind)
    if kind == "file" and "file_data" in part.get("file", {}):
        name = {"title": part["file"]["filename"]} if "filename" in part["file"] else {}
        source = {"type": "document", "source": _source(part["file"]["file_data"])}
        return source | name | _rest(part, kind)
    return part


def _rest(part: Block, kind: str) -> Block:
    return {name: value for name, value in part.items() if name not in ("type", kind)}


def _source(url: str) -> Block:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, _, data = url.removeprefix("data:").partition(",")
    return {"type": "base64", "media_type": kind.partition(";")[0], "data": data}


def _tool_use(call: Block) -> Block:
    rest = {name: call[name] for name in OF_CALLS if name in call}
    if custom := call.get("custom"):
        given = {"input": custom.get("input")}
        return {"type": "tool_use", "id": call["id"], "name": custom["name"], "input": given} | rest
    function = call["function"]
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": function["name"],
        "input": _arguments(function.get("arguments") or "{}"),
    } | rest


def _arguments(text: str) -> dict[str, Any]:
    """Read a call's arguments; what is no JSON object, as models may write, is wrapped in one."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"arguments": text}


def openai_messages(messages: list[Message], *, marks: bool) -> list[Message]:
    """Return messages as a chat takes them, plain ones as they are.

    `marks` says that the endpoint passes on what is to be cached (`cache_control`), as OpenRouter
    does; others may refuse a field that they do not know.
    """
    return [message if _is_plain(message) else _of_chat(message, marks) for message in messages]


def _is_plain(message: Message) -> bool:
    return isinstance(message.get("content"), str) and len(message) == 2


def _of_chat(message: Message, marks: bool) -> Message:
    dropped = ("is_error",) if marks else OF_RESULTS
    told = {name: value for name, value in message.items() if name not in dropped}
    calls = cast("list[Block]", message.get("tool_calls") or [])
    if calls:
        told["tool_calls"] = [
            {name: value for name, value in call.items() if name not in OF_CALLS} for call in calls
        ]
    if isinstance(content := message.get("content"), list):
        parts = [_part(part, marks) for part in cast("list[Block]", content)]
        told["content"] = [part for part in parts if part] or (None if calls else "")
    return told


def _part(part: Block, marks: bool) -> Block | None:
    """Return a part as a chat takes it; None for what is of another protocol."""
    kind = str(part.get("type"))
    if _is_of_responses(part) or kind in OF_ANTHROPIC or kind.endswith("_tool_result"):
        return None
    if kind == "thinking" and isinstance(part.get("thinking"), str):
        return None  # Mistral's own is a list
    if kind == "document":
        source: Block = part.get("source") or {}
        part = (
            {"type": "text", "text": source.get("data")} if source.get("type") == "text" else part
        )
    dropped = OF_PARTS if marks else (*OF_PARTS, "cache_control")
    return {name: value for name, value in part.items() if name not in dropped}


def anthropic_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings under Anthropic's names; what has none goes through untouched."""
    translated: dict[str, Any] = {}
    for name, value in settings.items():
        known = _SETTINGS.get(name)
        translated |= {name: value} if known is None else known(value)
    if settings.get("parallel_tool_calls") is False and settings.get("tools"):
        choice = translated.get("tool_choice", {"type": "auto"})
        translated["tool_choice"] = choice | {"disable_parallel_tool_use": True}
    return translated


def _tools(tools: list[Block]) -> dict[str, Any]:
    return {"tools": [_tool(tool) for tool in tools]}


def _tool(tool: Block) -> Block:
    if tool.get("type") != "function":
        return tool
    function: Block = tool["function"]
    described = {"description": function["description"]} if "description" in function else {}
    schema: Block = function.get("parameters") or {"type": "object", "properties": {}}
    return {"name": function["name"]} | described | {"input_schema": schema}


def _tool_choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, str):
        return {"tool_choice": TOOL_CHOICES.get(choice, choice)}
    if choice.get("type") == "function":
        return {"tool_choice": {"type": "tool", "name": choice["function"]["name"]}}
    return {"tool_choice": choice}


def _stop(stop: Any) -> dict[str, Any]:
    return {"stop_sequences": [stop] if isinstance(stop, str) else stop}


_SETTINGS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "stop": _stop,
    "max_completion_tokens": lambda value: {"max_tokens": value},
    "parallel_tool_calls": lambda _: {},
    "stream_options": lambda _: {},
}

"""Messages and settings of the OpenAI chat shape, told in Anthropic's.

What has no translation goes through as it is: a caller can use either protocol's own fields.
Sources: OpenAI API reference, "Create chat completion"; Anthropic API reference, "Messages".
"""

from collections.abc import Callable
from typing import Any, cast

import msgspec

Message = dict[str, Any]
Block = dict[str, Any]

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
        told = content if isinstance(content, str) else _blocks(content)
        return {"role": "user", "content": [result | {"content": told}]}
    if calls := message.get("tool_calls"):
        blocks = [*_blocks(content), *(_tool_use(call) for call in calls)]
        return {"role": message["role"], "content": blocks}
    return {
        "role": message["role"],
        "content": content if isinstance(content, str) else _blocks(content),
    }


def _is_tool_results(turn: Message) -> bool:
    content = turn["content"]
    return isinstance(content, list) and cast("list[Block]", content)[-1]["type"] == "tool_result"


def _blocks(content: Any) -> list[Block]:
    if not content:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_block(part) for part in content]


def _block(part: Block) -> Block:
    if part.get("type") == "image_url":
        return {"type": "image", "source": _source(part["image_url"]["url"])}
    if part.get("type") == "file" and "file_data" in part.get("file", {}):
        name = {"title": part["file"]["filename"]} if "filename" in part["file"] else {}
        return {"type": "document", "source": _source(part["file"]["file_data"])} | name
    return part


def _source(url: str) -> Block:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, _, data = url.removeprefix("data:").partition(",")
    return {"type": "base64", "media_type": kind.partition(";")[0], "data": data}


def _tool_use(call: Block) -> Block:
    function = call["function"]
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": function["name"],
        "input": _arguments(function.get("arguments") or "{}"),
    }


def _arguments(text: str) -> dict[str, Any]:
    """Read a call's arguments; what is no JSON object, as models may write, is wrapped in one."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"arguments": text}


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

"""OpenAI's responses as they pass by, in the shape of OpenAI's chat.

The items that a model gives one after another (messages, calls of functions, reasoning, calls of
built-in tools) are one message of the chat, whether they come as the answer or are sent again.
Items that the chat has no word for stay parts of its content, as they were.
Source: OpenAI API reference, "Responses" and its streaming events.
"""

from typing import Any

from airuns.server.models.call import Usage
from airuns.server.models.heard import (
    ROLES,
    Fields,
    Heard,
    counts,
    document,
    fields,
    items,
    text,
)
from airuns.server.models.usage import Counts

ENDS = ("response.completed", "response.incomplete", "response.failed")
TEXTS = ("input_text", "output_text", "text")


class _InputDetails(Counts):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(Counts):
    reasoning_tokens: int | None = None


class Tokens(Counts):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


def asked(request: Fields) -> tuple[list[Fields], Fields]:
    """Return a request's messages, its instructions being the first, and the rest of it."""
    messages: list[Fields] = []
    if instructions := request.get("instructions"):
        if isinstance(instructions, str):
            messages.append({"role": "system", "content": instructions})
        else:
            messages += _messages(items(instructions))
    given = request.get("input")
    if isinstance(given, str):
        messages.append({"role": "user", "content": given})
    else:
        messages += _messages(items(given))
    rest = {
        ("messages" if name == "input" else name): (None if name == "input" else value)
        for name, value in request.items()
        if name not in ("instructions", "messages")
    }
    return messages, {"messages": None} | rest if "messages" not in rest else rest


def _messages(given: list[Any]) -> list[Fields]:
    told: list[Fields] = []
    answer: list[Fields] = []
    for each in given:
        item = {"role": "user", "content": each} if isinstance(each, str) else fields(each)
        message = _other(item)
        if message is None:
            answer.append(item)
            continue
        if answer:
            told.append(_assistant(answer))
            answer = []
        told.append(message)
    if answer:
        told.append(_assistant(answer))
    return told


def _other(item: Fields) -> Fields | None:
    """Return an item that is no model's as a message; None for what a model gives."""
    role, kind = item.get("role"), text(item.get("type"))
    if role is None and kind.endswith("_output"):
        output = item.get("output")
        known = kind in ("function_call_output", "custom_tool_call_output")
        content = _content(output) if known else [item]
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": content}
    if role is None and kind.endswith("_response"):
        return {"role": "user", "content": [item]}
    if role is None or role == "assistant":
        return None
    content = _content(item.get("content"))
    return {"role": role if role in ROLES else "user", "content": content}


def _content(content: Any) -> Any:
    if isinstance(content, list):
        return [_part(fields(part)) for part in items(content)]
    return text(content)


def _part(part: Fields) -> Fields:
    """Return a part under the chat's names; what it has no name for stays as it is."""
    kind = part.get("type")
    if kind in TEXTS:
        kept = {name: value for name, value in part.items() if value not in (None, [])}
        return {**kept, "type": "text"}
    if kind == "input_image" and isinstance(url := part.get("image_url"), str):
        detail = part.get("detail")
        return {
            "type": "image_url",
            "image_url": {"url": url} if detail is None else {"url": url, "detail": detail},
        }
    if kind == "input_file" and "file_url" not in part:
        known = ("file_data", "filename", "file_id")
        return {
            "type": "file",
            "file": {name: part[name] for name in known if part.get(name) is not None},
        }
    return part


def _assistant(given: list[Fields]) -> Fields:
    """Return the items of a model as one message; a text alone is its content."""
    parts: list[Fields] = []
    calls: list[Fields] = []
    for item in given:
        match item.get("type"):
            case "function_call":
                function = {
                    "name": text(item.get("name")),
                    "arguments": text(item.get("arguments")),
                }
                calls.append({"id": _call_id(item), "type": "function", "function": function})
            case "custom_tool_call":
                custom = {"name": text(item.get("name")), "input": text(item.get("input"))}
                calls.append({"id": _call_id(item), "type": "custom", "custom": custom})
            case _ if "role" in item:
                content = item.get("content")
                told = [{"type": "text", "text": content}] if isinstance(content, str) else content
                parts += [_part(fields(part)) for part in items(told)]
            case _:
                parts.append(item)
    content: Any = parts
    if len(parts) == 1 and set(parts[0]) == {"type", "text"} and parts[0]["type"] == "text":
        content = parts[0]["text"]
    message: Fields = {"role": "assistant", "content": content or (None if calls else "")}
    return message | {"tool_calls": calls} if calls else message


def _call_id(item: Fields) -> str:
    return text(item.get("call_id")) or text(item.get("id"))


def whole(heard: Heard, told: Fields) -> None:
    """Read a whole answer."""
    _about(heard, told)
    _output(heard, [fields(item) for item in items(told.get("output"))])


def stream(heard: Heard, events: list[bytes]) -> None:
    """Read the events of a stream; its last one has the whole answer, if it came."""
    last = fields(document(events[-1])) if events else {}
    if last.get("type") in ENDS and fields(last.get("response")).get("output"):
        whole(heard, fields(last["response"]))
        return
    found: dict[Any, _Item] = {}
    for event in events:
        if told := fields(document(event)):
            _event(heard, told, found)
    if found or heard.complete:
        _output(heard, [found[index].whole() for index in sorted(found)])


def _event(heard: Heard, told: Fields, found: "dict[int, _Item]") -> None:
    kind, index = text(told.get("type")), told.get("output_index")
    index = index if isinstance(index, int) else 0
    if kind == "error":
        heard.error = told.get("error") or told
    elif "response" in told:
        _about(heard, fields(told["response"]))
    elif kind.startswith("response.output_item."):
        found[index] = _Item(fields(told.get("item")))
    elif kind.endswith(".delta"):
        found.setdefault(index, _Item({})).add(kind, told)


class _Item:
    """An item of a stream, put together from its deltas until it comes whole."""

    def __init__(self, item: Fields) -> None:
        self._item = item
        self._texts: dict[str, list[str]] = {}

    def add(self, kind: str, told: Fields) -> None:
        """Take a delta."""
        self._texts.setdefault(kind, []).append(text(told.get("delta")))

    def whole(self) -> Fields:
        """Return the item as far as it came."""
        item = {**self._item}
        for kind, deltas in self._texts.items():
            written = "".join(deltas)
            match kind:
                case "response.output_text.delta":
                    item |= _message({"type": "output_text", "text": written})
                case "response.refusal.delta":
                    item |= _message({"type": "refusal", "refusal": written})
                case "response.function_call_arguments.delta":
                    item |= {"type": "function_call", "arguments": written}
                case "response.custom_tool_call_input.delta":
                    item |= {"type": "custom_tool_call", "input": written}
                case "response.reasoning_summary_text.delta":
                    summary = [{"type": "summary_text", "text": written}]
                    item |= {"type": "reasoning", "summary": summary}
                case "response.reasoning_text.delta":
                    content = [{"type": "reasoning_text", "text": written}]
                    item |= {"type": "reasoning", "content": content}
                case _:
                    pass
        return item


def _message(part: Fields) -> Fields:
    return {"type": "message", "role": "assistant", "content": [part]}


def _about(heard: Heard, told: Fields) -> None:
    heard.note(told, "id", "model", "service_tier", "previous_response_id")
    status = told.get("status")
    if status == "incomplete":
        heard.finished(fields(told.get("incomplete_details")).get("reason") or status)
    elif status in ("completed", "failed", "cancelled"):
        heard.finished(status)
    if error := told.get("error"):
        heard.error = error
    if tokens := counts(Tokens, told.get("usage")):
        heard.usage = _usage(tokens)


def _usage(tokens: Tokens) -> Usage:
    """Translate: `input_tokens` includes cached ones, `output_tokens` reasoning."""
    read = tokens.input_tokens_details or _InputDetails()
    return Usage(
        input=tokens.input_tokens,
        output=tokens.output_tokens,
        cache_read=read.cached_tokens,
        cache_write_5m=read.cache_write_tokens,
        reasoning=(tokens.output_tokens_details or _OutputDetails()).reasoning_tokens,
    )


def _output(heard: Heard, output: list[Fields]) -> None:
    if not output and not heard.complete:
        return
    heard.message = _assistant(output)
    parts = [fields(part) for item in output for part in items(item.get("content"))]
    said = (each.get("text") for each in parts if each.get("type") == "output_text")
    refused = (each.get("refusal") for each in parts)
    heard.text = "".join(map(text, said)) or "".join(map(text, refused))
    thought = [item for item in output if item.get("type") == "reasoning"]
    heard.reasoning = "\n\n".join(filter(None, map(_reasoning, thought)))
    heard.tool_calls = items(heard.message.get("tool_calls"))


def _reasoning(item: Fields) -> str:
    parts = items(item.get("content")) or items(item.get("summary"))
    return "\n\n".join(text(fields(part).get("text")) for part in parts)

"""Anthropic's messages as they pass by, in the shape of OpenAI's chat; chat.py tells them back.

Texts, pictures, PDFs and tool calls are translated. What the chat has no word for (thinking with
its signature, the server's own tools) stays a part of the content, as it was sent, so that nothing
is lost. Source: Anthropic API reference, "Messages" and "Streaming messages".
"""

from typing import Any

import msgspec

from airuns.server.models import anthropic
from airuns.server.models.chat import CALL_PLACE
from airuns.server.models.heard import (
    Fields,
    Heard,
    counts,
    document,
    fields,
    items,
    text,
    to_json,
)


def asked(request: Fields) -> tuple[list[Fields], Fields]:
    """Return a request's messages, its system text being the first, and the rest of it."""
    messages: list[Fields] = []
    if system := request.get("system"):
        messages.append({"role": "system", "content": _content(system)})
    for message in items(request.get("messages")):
        messages += _sent(fields(message))
    rest = {name: value for name, value in request.items() if name != "system"}
    return messages, rest | {"messages": None}


def _sent(message: Fields) -> list[Fields]:
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        role = "user"
    if not isinstance(content, list):
        if isinstance(content, str) and message.get("role") == role and len(message) == 2:
            return [message]
        return [{"role": role, "content": text(content)}]
    if role == "assistant":
        return [_assistant(items(content))]
    return _results(role, items(content))


def _results(role: Any, blocks: list[Any]) -> list[Fields]:
    """Return a turn of a person: what tools gave become messages of their own."""
    told: list[Fields] = []
    rest: list[Any] = []
    for each in blocks:
        block = fields(each)
        if block.get("type") == "tool_result":
            if rest:
                told.append({"role": role, "content": rest})
                rest = []
            told.append(_result(block))
        else:
            rest.append(_part(each))
    if rest or not told:
        told.append({"role": role, "content": rest})
    return told


def _result(block: Fields) -> Fields:
    message: Fields = {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id"),
        "content": _content(block.get("content")),
    }
    known = ("type", "tool_use_id", "content")
    return message | {name: value for name, value in block.items() if name not in known}


def _content(content: Any) -> Any:
    if isinstance(content, list):
        return [_part(block) for block in items(content)]
    return text(content)


def _assistant(blocks: list[Any]) -> Fields:
    """Return a turn of a model; a text alone is its content."""
    parts: list[Any] = []
    calls: list[Fields] = []
    for each in blocks:
        block = fields(each)
        if block.get("type") == "tool_use":
            calls.append(_call(block))
            parts.append({"type": CALL_PLACE, "id": block.get("id")})
        else:
            parts.append(_part(each))
    while parts and parts[-1].get("type") == CALL_PLACE:
        parts.pop()
    content: Any = parts
    if len(parts) == 1 and _is_plain(parts[0]):
        content = parts[0]["text"]
    message: Fields = {"role": "assistant", "content": content or (None if calls else "")}
    return message | {"tool_calls": calls} if calls else message


def _is_plain(part: Fields) -> bool:
    """Say whether a part is a text and no more; `citations: null` says nothing."""
    told = {name for name, value in part.items() if value is not None}
    return told == {"type", "text"} and part["type"] == "text" and isinstance(part["text"], str)


def _call(block: Fields) -> Fields:
    function = {"name": text(block.get("name")), "arguments": _arguments(block.get("input"))}
    known = ("type", "id", "name", "input")
    rest = {name: value for name, value in block.items() if name not in known and value is not None}
    return {"id": text(block.get("id")), "type": "function", "function": function, **rest}


def _arguments(given: Any) -> str:
    return given if isinstance(given, str) else to_json(given or {})


def _part(each: Any) -> Fields:
    """Return a block as a part; what has no translation stays as it is."""
    if isinstance(each, str):
        return {"type": "text", "text": each}
    block = fields(each)
    if block.get("type") not in ("image", "document"):
        return block
    source = fields(block.get("source"))
    url = _url(source)
    rest = {name: value for name, value in block.items() if name not in ("type", "source")}
    if block["type"] == "image" and url:
        return {"type": "image_url", "image_url": {"url": url}, **rest}
    if block["type"] == "document" and url and source["type"] == "base64":
        title = rest.pop("title", None)
        name = {} if title is None else {"filename": title}
        return {"type": "file", "file": {"file_data": url, **name}, **rest}
    return block


def _url(source: Fields) -> str | None:
    kind, data, media = source.get("type"), source.get("data"), source.get("media_type")
    if kind == "base64" and isinstance(data, str) and isinstance(media, str) and len(source) == 3:
        return None if ";" in media or "," in media else f"data:{media};base64,{data}"
    url = source.get("url")
    if kind == "url" and isinstance(url, str) and len(source) == 2:
        return None if url.startswith("data:") else url
    return None


def whole(heard: Heard, told: Fields) -> None:
    """Read a whole answer."""
    if told.get("type") == "error":
        heard.error = heard.error or told
        return
    used: Fields = {}
    _about(heard, told, used)
    if "content" in told:
        heard.complete = True
        _blocks(heard, items(told["content"]))
    _count(heard, used)


def stream(heard: Heard, events: list[bytes]) -> None:
    """Read the events of a stream."""
    blocks: dict[int, _Block] = {}
    used: Fields = {}
    for event in events:
        told = fields(document(event))
        match told.get("type"):
            case "content_block_delta":
                if block := blocks.get(_index(told)):
                    block.add(fields(told.get("delta")))
            case "content_block_start":
                blocks[_index(told)] = _Block(fields(told.get("content_block")))
            case "message_start":
                _about(heard, fields(told.get("message")), used)
            case "message_delta":
                _about(heard, fields(told.get("delta")) | {"usage": told.get("usage")}, used)
            case "message_stop":
                heard.complete = True
            case "error":
                heard.error = told.get("error") or told
            case _:
                if told.get("error"):
                    heard.error = told["error"]
    _count(heard, used)
    if blocks or heard.complete:
        _blocks(heard, [block.whole() for block in blocks.values()])


def _index(told: Fields) -> int:
    index = told.get("index")
    return index if isinstance(index, int) else 0


class _Block:
    """A block of a stream, put together from its deltas."""

    def __init__(self, start: Fields) -> None:
        self._start = start
        self._texts: dict[str, list[str]] = {}
        self._citations: list[Any] = []

    def add(self, delta: Fields) -> None:
        """Take a delta: its texts go on the fields of the same names."""
        for name, value in delta.items():
            if name == "citation":
                self._citations.append(value)
            elif isinstance(value, str) and name != "type":
                self._texts.setdefault(name, []).append(value)

    def whole(self) -> Fields:
        """Return the block; the input of a tool call is JSON as the model wrote it."""
        block = {**self._start}
        for name, texts in self._texts.items():
            block[name] = text(block.get(name)) + "".join(texts)
        if self._citations:
            block["citations"] = [*items(block.get("citations")), *self._citations]
        if written := block.pop("partial_json", ""):
            read = None if block.get("type") == "tool_use" else document(written.encode())
            block["input"] = written if read is None else read
        return block


def _about(heard: Heard, told: Fields, used: Fields) -> None:
    """Take what is said of the answer; counts are cumulative, so the later one wins."""
    heard.note(told, "id", "model")
    heard.finished(told.get("stop_reason"))
    usage = fields(told.get("usage"))
    heard.note(usage, "service_tier")
    used |= {name: value for name, value in usage.items() if value is not None}


def _count(heard: Heard, used: Fields) -> None:
    """Take the counts; what a message says of its output before its end is no count of it."""
    if tokens := counts(anthropic.Tokens, used):
        usage = anthropic.usage_of(tokens)
        heard.usage = usage if heard.complete else msgspec.structs.replace(usage, output=None)


def _blocks(heard: Heard, blocks: list[Any]) -> None:
    heard.message = _assistant(blocks)
    told = [fields(block) for block in blocks]
    heard.text = "".join(text(block.get("text")) for block in told)
    heard.reasoning = "".join(text(block.get("thinking")) for block in told)
    heard.tool_calls = items(heard.message.get("tool_calls"))

"""What makes two messages the same, however a client or a provider spells them.

A chat client sends the whole conversation again, and the answers in it as its library keeps them:
with nulls, as parts, without the reasoning. The chain hash is over what is left here.
"""

import json
from typing import Any, cast

Fields = dict[str, Any]

# What an answer says beside its role, text and calls is about it (reasoning, citations, ids), and
# clients send it again or not.
OF_ANSWERS = ("name", "refusal")
ABOUT = frozenset({"role", "content", "tool_calls", "function_call", "cache_control"})
ABOUT_MESSAGE = ABOUT | {"id", "status"}
ABOUT_PART = frozenset({"id", "status", "cache_control", "citations", "annotations", "logprobs"})
# Of an attachment the hash of its content counts, which is beside its id.
ABOUT_ATTACHMENT = ABOUT_PART | {"attachment_id"}
TEXTS = frozenset({"text", "input_text", "output_text"})
THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "tool_call"})
NOTHING: tuple[Any, ...] = (None, [], {})


def essence(message: Fields) -> str | Fields:
    """Return what counts of a message of the OpenAI chat shape, apart from its role.

    That is a text when it has nothing else, else its content and fields. Nulls and empty lists do
    not count, nor do reasoning, marks for caches, citations and the ids of what a model gave; a
    text as the only part of a content is the text. The arguments of a tool call count as JSON.
    """
    content = message.get("content")
    content = content if isinstance(content, str) else _content(content)
    if message.get("role") == "assistant":
        told = {name: message[name] for name in OF_ANSWERS if message.get(name)}
        if audio := _fields(message.get("audio")).get("id"):
            told["audio"] = audio
    else:
        told = {
            name: _plain(value)
            for name, value in message.items()
            if name not in ABOUT_MESSAGE and value not in NOTHING
        }
    calls = [_call(_fields(call)) for call in _items(message.get("tool_calls"))]
    if not calls and (function := _fields(message.get("function_call"))):
        calls = [_call({"function": function})]
    if not (told or calls) and isinstance(content, str):
        return content
    return {"content": content, "fields": told, "calls": calls}


def _content(content: Any) -> Any:
    """Return what counts of a content that is no text."""
    if not isinstance(content, list):
        return "" if content in NOTHING else content
    parts = [part for each in _items(content) if (part := _part(each)) is not None]
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return parts or ""


def _part(part: Any) -> Any:
    """Return what counts of a part: a text for a text, None for nothing."""
    if not isinstance(part, dict):
        return [part]
    told = cast("Fields", part)
    kind = told.get("type")
    if kind in TEXTS and isinstance(told.get("text"), str):
        return told["text"]
    if kind in THOUGHTS:
        return None
    about = ABOUT_ATTACHMENT if kind == "attachment" else ABOUT_PART
    if kind == "item_reference":
        return told
    if kind == "image_url" and _fields(told.get("image_url")).get("detail") == "auto":
        image = {name: value for name, value in told["image_url"].items() if name != "detail"}
        told = {**told, "image_url": image}
    return {
        name: _plain(value)
        for name, value in told.items()
        if name not in about and value not in NOTHING
    }


def _call(call: Fields) -> list[Any]:
    if custom := _fields(call.get("custom")):
        return [call.get("id"), custom.get("name"), custom.get("input"), "custom"]
    function = _fields(call.get("function"))
    return [call.get("id"), function.get("name"), _arguments(function.get("arguments"))]


def _arguments(told: Any) -> Any:
    """Return arguments so that equal JSON is equal; what is no JSON is the text that it is."""
    if not isinstance(told, str):
        return ["json", told or {}]
    try:
        return ["json", json.loads(told or "{}")]
    except (ValueError, RecursionError):
        return ["text", told]


def _plain(value: Any) -> Any:
    """Leave out the nulls of objects, at any depth: a library's objects are dumped with them."""
    if isinstance(value, dict):
        told = cast("Fields", value)
        return {name: _plain(each) for name, each in told.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return value


def _fields(value: Any) -> Fields:
    return cast("Fields", value) if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []

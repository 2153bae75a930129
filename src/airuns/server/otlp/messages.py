"""Messages as instrumentations write them, as messages of the OpenAI chat shape.

Whatever the convention, equal conversations become equal messages, so that a later request's
history is recognised: a lone text part is a plain text, tool calls are beside the content and
their arguments are JSON texts, results of tools are messages of role "tool". A model's reasoning
is no part of its answer.
"""

from typing import Any, cast

import msgspec

from airuns.wire import Message, Role

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
TOOL_CALLS = ("tool_call", "tool_use", "function_call", "tool-call")
TOOL_RESULTS = ("tool_call_response", "tool_result", "tool-result")
REASONING = ("reasoning", "thinking", "redacted_thinking")
REDACTED = "__REDACTED__"  # what OpenInference puts in place of hidden texts

Fields = dict[str, Any]


class Said(msgspec.Struct):
    """What one message of a convention becomes: messages, and the reasoning beside them."""

    messages: list[Message]
    reasoning: str | None = None


class Exchange(msgspec.Struct):
    """What a model was asked and what it answered; None where the span does not tell.

    `unread` are attributes that should be messages and are not, such as JSON that was cut off.
    """

    asked: list[Message] | None = None
    answer: Message | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    unread: Fields = {}

    def answered(self, said: Said) -> None:
        """Take what was said as the answer."""
        own = [each for each in said.messages if each.role == "assistant"]
        self.answer = own[0] if own else None
        self.reasoning = said.reasoning


def fields(value: Any) -> Fields:
    """Return a value that should be an object as a dict; anything else as an empty one."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a value that should be a list as one; None as an empty one, a lone value as one."""
    if isinstance(value, list | tuple):
        return list(cast("list[Any]", value))
    return [] if value is None else [value]


def parsed(value: Any) -> Any:
    """Return what a text of JSON says; a text that is none, and any other value, as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


def text_in(value: Any) -> str:
    """Return a value as a text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def tool_call(call_id: Any, name: Any, arguments: Any) -> Fields:
    """Return a tool call in the shape that OpenAI's messages have."""
    function = {
        "name": str(name or ""),
        "arguments": text_in({} if arguments is None else arguments),
    }
    return {"id": str(call_id or ""), "type": "function", "function": function}


def plain(role: Any, content: Any, **more: Any) -> Message:
    """Return a message; `content` is a text, a list of parts, or None."""
    if isinstance(content, list):
        parts = cast("list[Fields]", content)
        is_text = len(parts) == 1 and parts[0].get("type") == "text"
        content = parts[0]["text"] if is_text else parts or None
    known = ROLES.get(str(role).lower(), "user")
    if content is None and known != "assistant":
        content = ""
    return Message(role=known, content=content, **more)


def of_parts(message: Fields) -> Said:
    """Return what a message of the GenAI conventions says: {role, parts: [{type, …}]}."""
    parts = items(message.get("parts"))
    if len(parts) == 1 and (only := fields(parts[0])).get("type") == "text":
        return Said([plain(message.get("role"), _text(only), name=_name(message))])
    content: list[Fields] = []
    calls: list[Fields] = []
    results: list[Message] = []
    reasoning: list[str] = []
    for each in parts:
        part = fields(each) or {"type": "text", "content": text_in(each)}
        kind = part.get("type")
        if kind in TOOL_CALLS:
            calls.append(tool_call(part.get("id"), part.get("name"), part.get("arguments")))
        elif kind in TOOL_RESULTS:
            answer = part.get("response", part.get("result", part.get("content")))
            results.append(_result(part.get("id"), answer))
        elif kind in REASONING:
            reasoning.append(text_in(part.get("content") or ""))
        else:
            content.append(_part(part))
    messages = results
    if content or calls or (not results and not reasoning):
        given = content or (None if calls else "")
        more = {"tool_calls": calls or None, "name": _name(message)}
        messages.append(plain(message.get("role"), given, **more))
    return Said(messages, "\n".join(reasoning) or None)


def _result(call_id: Any, answer: Any) -> Message:
    text = "" if answer is None else text_in(answer)
    return Message(role="tool", content=text, tool_call_id=str(call_id or "")[:200])


def _name(message: Fields) -> str | None:
    name = message.get("name")
    return str(name)[:200] if name else None


def _text(part: Fields) -> str:
    return text_in(part.get("content") or part.get("text") or "")


def _part(part: Fields) -> Fields:
    kind, content = str(part.get("type")), part.get("content")
    if kind == "text":
        return {"type": "text", "text": _text(part)}
    mime = str(part.get("mime_type") or part.get("media_type") or "")
    if kind in ("blob", "binary") and isinstance(content, str):
        return _media(part, mime, f"data:{mime or 'application/octet-stream'};base64,{content}")
    address = part.get("uri") or part.get("url")
    if isinstance(address, str) and (kind == "uri" or kind.endswith("-url")):
        return _media(part, mime, address)
    if kind == "file" and part.get("file_id"):
        return {"type": "file", "file": {"file_id": str(part["file_id"])}}
    return part


def _media(part: Fields, mime: str, address: str) -> Fields:
    modality = part.get("modality") or mime.partition("/")[0]
    if modality == "image" or part.get("type") == "image-url":
        return {"type": "image_url", "image_url": {"url": address}}
    return {"type": "file", "file": {"file_url": address}}


def of_chat(message: Fields) -> Said:
    """Return what a message of a provider's chat shape says: {role, content, tool_calls, …}.

    Its content may be a text, or parts as OpenAI's or Anthropic's API has them.
    """
    if "parts" in message:
        return of_parts(message)
    content = _content(message.get("content"))
    role = str(message.get("role") or "user")
    calls = [_chat_call(fields(each)) for each in items(parsed(message.get("tool_calls")))]
    asked = message.get("tool_call_id") or (message.get("id") if role == "tool" else None)
    if role in ("tool", "function") or asked:
        return Said([_result(asked, message.get("content"))])
    if not isinstance(content, list):
        text = None if content is None else text_in(content)
        return Said([plain(role, text, tool_calls=calls or None)])
    parts = [_chat_part(each) for each in cast("list[Any]", content)]
    said = of_parts({"role": role, "parts": parts})
    if calls and said.messages and said.messages[-1].role == "assistant":
        said.messages[-1] = msgspec.structs.replace(said.messages[-1], tool_calls=calls)
    return said


def _content(value: Any) -> Any:
    """Return a content's parts, also where they are a text of JSON; any other content as it is."""
    read = parsed(value)
    parts = items(read) if isinstance(read, list) else []
    return parts if parts and all("type" in fields(each) for each in parts) else value


def _chat_call(call: Fields) -> Fields:
    function = fields(call.get("function")) or call
    return tool_call(call.get("id"), function.get("name"), function.get("arguments"))


def _chat_part(value: Any) -> Any:
    """Return a part of a provider's content in the words of the GenAI conventions."""
    part = fields(value)
    if part.get("type") == "tool_use":
        return {**part, "type": "tool_call", "arguments": part.get("input")}
    if part.get("type") == "tool_result":
        return {**part, "id": part.get("tool_use_id")}
    if part.get("type") == "thinking":
        return {"type": "reasoning", "content": part.get("thinking")}
    if part.get("type") in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text")}
    return value

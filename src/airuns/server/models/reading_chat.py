"""OpenAI's chat completions as they pass by.

Source: OpenAI API reference, "Chat completions". Fields of other providers are kept as they come.
"""

from typing import Any, Literal

import msgspec

from airuns.server.models import openai
from airuns.server.models.heard import ROLES, Fields, Heard, counts, document, fields, items, text

ALWAYS = ("role", "content")


class _Word(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    role: str = ""
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    reasoning: None = None
    reasoning_content: None = None


class _WordChoice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _Word
    index: Literal[0] = 0
    finish_reason: None = None
    logprobs: None = None


class _WordChunk(msgspec.Struct):
    """What most chunks are: the next word of the one choice, and no more."""

    choices: tuple[_WordChoice]
    usage: None = None
    error: None = None


_word_chunk = msgspec.json.Decoder(_WordChunk)


def asked(request: Fields) -> tuple[list[Fields], Fields]:
    """Return a request's messages, and the rest of it."""
    messages = [_sent(message) for message in items(request.get("messages"))]
    return messages, {**request, "messages": None}


def _sent(message: Any) -> Fields:
    told = fields(message)
    role = told.get("role")
    if role in ROLES if isinstance(role, str) else False:
        return told if "content" in told else {**told, "content": None}
    if role == "function":  # before tools there were functions
        return {**told, "role": "tool"}
    return {"content": message if isinstance(message, str) else "", **told, "role": "user"}


def whole(heard: Heard, told: Fields) -> None:
    """Read a whole answer."""
    _about(heard, told)
    choices = [fields(choice) for choice in items(told.get("choices"))]
    for choice in choices[:1]:
        heard.finished(choice.get("finish_reason"))
        _first(heard, fields(choice.get("message")), choice.get("logprobs"))
    if choices:
        heard.complete = True
    if choices[1:]:
        heard.data["choices"] = choices[1:]


def stream(heard: Heard, events: list[bytes]) -> None:
    """Read the chunks of a stream."""
    choices: dict[Any, _Choice] = {}
    for event in events:
        if 0 in choices and (word := _word(event)) is not None:
            choices[0].content.append(word)
        elif event == b"[DONE]":
            heard.complete = True
        elif chunk := fields(document(event)):
            _chunk(heard, chunk, choices)
    if not choices:
        return
    first = min(choices, key=lambda index: index if isinstance(index, int) else 0)
    rest = [choices[index].told(index) for index in choices if index != first]
    heard.finished(choices[first].reason)
    _first(heard, choices[first].message(), choices[first].logprobs)
    if rest:
        heard.data["choices"] = rest


def _word(event: bytes) -> str | None:
    try:
        return _word_chunk.decode(event).choices[0].delta.content
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # it is something else, or broken


def _chunk(heard: Heard, chunk: Fields, choices: "dict[Any, _Choice]") -> None:
    if chunk.get("error"):
        heard.error = chunk["error"]
    elif chunk.get("object") == "error":
        heard.error = chunk
    if not heard.info or chunk.get("usage"):
        _about(heard, chunk)
    for each in items(chunk.get("choices")):
        choice = fields(each)
        index = choice.get("index") or 0
        if index.__hash__ is None:
            continue
        if index not in choices:
            choices[index] = _Choice()
        choices[index].add(choice)


def _about(heard: Heard, told: Fields) -> None:
    heard.note(told, "id", "model", "system_fingerprint", "service_tier", "provider")
    if usage := counts(openai.Tokens, told.get("usage")):
        heard.usage = openai.usage_of(usage)


def _first(heard: Heard, message: Fields, logprobs: Any) -> None:
    """Take the message that goes on; an empty field of it says nothing."""
    kept = {
        name: value
        for name, value in message.items()
        if name in ALWAYS or value not in (None, [], {})
    }
    if not kept:
        return
    heard.message = {"role": "assistant", "content": None} | kept | {"role": "assistant"}
    content = kept.get("content")
    heard.text = _text(content) or text(kept.get("refusal"))
    heard.reasoning = _reasoning(kept)
    heard.tool_calls = [each for each in items(kept.get("tool_calls")) if isinstance(each, dict)]
    if logprobs:
        heard.data["logprobs"] = logprobs


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(text(fields(part).get("text")) for part in items(content))


def _reasoning(message: Fields) -> str:
    """Return the reasoning: DeepSeek's field, OpenRouter's, or the parts that Mistral sends."""
    if said := text(message.get("reasoning_content")) or text(message.get("reasoning")):
        return said
    parts = (fields(part).get("thinking") for part in items(message.get("content")))
    return "".join(part if isinstance(part, str) else _text(part) for part in parts)


class _Choice:
    """One choice of a stream, put together from its deltas."""

    def __init__(self) -> None:
        self.reason: Any = None
        self.logprobs: Any = None
        self.content: list[Any] = []
        self._calls: list[Fields] = []
        self._others: Fields = {}

    def add(self, choice: Fields) -> None:
        """Take a choice of one chunk."""
        delta = fields(choice.get("delta") or choice.get("message"))
        for name, value in delta.items():
            if name == "content":
                if isinstance(value, str):
                    self.content.append(value)
                else:
                    self.content += items(value)
            elif name == "tool_calls":
                for call in items(value):
                    self._call(fields(call))
            elif value is not None and name != "role":
                _extend(self._others, name, value)
        self.reason = choice.get("finish_reason") or self.reason
        if logprobs := fields(choice.get("logprobs")):
            self.logprobs = self.logprobs or {}
            for name, value in logprobs.items():
                _extend(self.logprobs, name, value)

    def _call(self, delta: Fields) -> None:
        """Take a delta of a tool call: a new id starts a call, else the index's last goes on."""
        index, id_ = delta.get("index"), delta.get("id")
        for call in reversed(self._calls):
            if call["index"] == index and (not id_ or call["id"] == id_):
                break
        else:
            call: Fields = {"index": index, "id": id_ or f"call_{len(self._calls)}"}
            call |= {"type": delta.get("type") or "function"}
            self._calls.append(call)
        for name, value in delta.items():
            if value is not None and name not in ("index", "id", "type"):
                _extend(call, name, value)

    def message(self) -> Fields:
        """Return what has come as one message; empty when nothing has."""
        if not (self.content or self._calls or self._others):
            return {}
        message: Fields = {"role": "assistant", "content": _joined(self.content), **self._others}
        if self._calls:
            message["tool_calls"] = [
                {name: value for name, value in call.items() if name != "index"}
                for call in self._calls
            ]
        return message

    def told(self, index: Any) -> Fields:
        """Return the choice as a whole answer would have it."""
        return {"index": index, "message": self.message(), "finish_reason": self.reason}


def _joined(content: list[Any]) -> Any:
    """Return a content of deltas, which are texts or, with Mistral's reasoning models, parts."""
    if all(isinstance(each, str) for each in content):
        return "".join(content) if content else None
    parts: list[Fields] = []
    for each in content:
        part = {"type": "text", "text": each} if isinstance(each, str) else {**fields(each)}
        if parts and part.get("type") == parts[-1].get("type") in ("text", "thinking"):
            for name, value in part.items():
                if name != "type":
                    _extend(parts[-1], name, value)
        else:
            parts.append(part)
    return parts


def _extend(whole: Fields, name: str, delta: Any) -> None:
    """Add a delta to a field: texts and lists go on, objects field by field."""
    known = whole.get(name)
    if isinstance(known, str) and isinstance(delta, str):
        whole[name] = known + delta
    elif isinstance(known, list) and isinstance(delta, list):
        whole[name] = [*known, *delta]
    elif isinstance(delta, dict):
        whole[name] = inner = {**fields(known)}
        for each, value in fields(delta).items():
            if value is not None:
                _extend(inner, each, value)
    else:
        whole[name] = delta

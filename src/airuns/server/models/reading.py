"""What passes by: the requests and answers of the wire protocols, as messages of OpenAI's chat.

Callers are programs of all ages and providers of all kinds, so nothing here raises for what they
sent: what cannot be read is left out, and what came before it is kept.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from airuns.events import Protocol
from airuns.server.models import (
    reading_anthropic,
    reading_chat,
    reading_embeddings,
    responses,
)
from airuns.server.models.call import MAX_MESSAGE, ProviderError, Usage
from airuns.server.models.failures import in_stream
from airuns.server.models.heard import Heard, document, fields, sse_data, storable, text
from airuns.server.models.texts import clean
from airuns.server.models.usage import possible

Fields = dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """A request: its messages in the shape of OpenAI's chat, and the rest.

    `request_data` has `"messages": None` where the messages were (Anthropic's system text and the
    instructions and input of a response are messages), so that what is stored of a conversation
    that is sent again and again grows by what is new. Embeddings have no messages.
    """

    model: str | None
    messages: list[Fields]
    request_data: Fields
    previous_response_id: str | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or what came of it. None is unknown.

    `message` is the assistant's message as a client would send it again; None when nothing came.
    `info` is what the provider said of the answer (id, model, service_tier, finish_reason, …);
    `response_data` has `reasoning`, `tool_calls`, `logprobs`, further `choices`, and of embeddings
    their `count` and `dimensions`. `error` is {code, message, …}. `complete` says that nothing of
    the answer can be missing.
    """

    text: str
    message: Fields | None
    reasoning: str
    tool_calls: list[Fields]
    finish_reason: str | None
    info: Fields
    usage: Usage | None
    error: Fields | None
    complete: bool
    response_data: Fields | None

    @property
    def written(self) -> str:
        """All that the model wrote, for an estimate of its tokens."""
        calls = [fields(each.get("function") or each.get("custom")) for each in self.tool_calls]
        told = (text(call.get(name)) for call in calls for name in ("name", "arguments", "input"))
        return "".join((self.text, self.reasoning, *told))


_REQUESTS: dict[Protocol, Callable[[Fields], tuple[list[Fields], Fields]]] = {
    "openai.chat": reading_chat.asked,
    "openai.responses": responses.asked,
    "openai.embeddings": reading_embeddings.asked,
    "anthropic.messages": reading_anthropic.asked,
}
_ANSWERS: dict[Protocol, Callable[[Heard, Fields], None]] = {
    "openai.chat": reading_chat.whole,
    "openai.responses": responses.whole,
    "openai.embeddings": reading_embeddings.whole,
    "anthropic.messages": reading_anthropic.whole,
}
_STREAMS: dict[Protocol, Callable[[Heard, list[bytes]], None]] = {
    "openai.chat": reading_chat.stream,
    "openai.responses": responses.stream,
    "anthropic.messages": reading_anthropic.stream,
}


def read_request(protocol: Protocol, request: Fields) -> Asked:
    """Return what a request asks; `request` stays as it is, and plain messages are its own."""
    messages, rest = storable(_REQUESTS[protocol](request))
    model, previous = rest.get("model"), rest.get("previous_response_id")
    return Asked(
        model if isinstance(model, str) and model else None,
        messages,
        rest,
        previous if isinstance(previous, str) else None,
    )


def read_response(
    protocol: Protocol, body: str | bytes, http_status: int | None = None
) -> Answered:
    """Return what an answer says: `body` is a JSON document, or server-sent events so far."""
    data = body.encode(errors="replace") if isinstance(body, str) else body
    heard = Heard()
    try:
        _hear(protocol, data, http_status, heard)
    except RecursionError:  # nobody nests that deep but to see what happens
        heard.complete = False
        heard.broken = "The answer is nested too deep to be read."
    return _answered(heard, http_status)


def _hear(protocol: Protocol, data: bytes, http_status: int | None, heard: Heard) -> None:
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if http_status is not None and http_status >= 400:
        told = document(data)
        heard.error = data.decode(errors="replace").strip() if told is None else told
    elif start[:1] not in (b"{", b"["):
        if protocol in _STREAMS:
            _STREAMS[protocol](heard, sse_data(data))
    elif told := fields(document(data)):
        if told.get("error"):
            heard.error = told["error"]
        _ANSWERS[protocol](heard, told)
    else:
        heard.broken = f"The answer is no JSON: {data[:200].decode(errors='replace')}"


def _answered(heard: Heard, http_status: int | None) -> Answered:
    if heard.finish_reason:
        heard.info["finish_reason"] = heard.finish_reason
    message, info, data, said, reasoning, calls = storable(
        (heard.message, heard.info, heard.data, heard.text, heard.reasoning, heard.tool_calls)
    )
    if reasoning:
        data = {"reasoning": reasoning, **data}
    if calls:
        data = {"tool_calls": calls, **data}
    return Answered(
        text=said,
        message=message,
        reasoning=reasoning,
        tool_calls=calls,
        finish_reason=heard.finish_reason,
        info=info,
        usage=None if heard.usage is None else possible(heard.usage),
        error=_error(heard, http_status),
        complete=heard.complete and heard.error is None,
        response_data=data or None,
    )


def _error(heard: Heard, http_status: int | None) -> Fields | None:
    if heard.error is None and heard.broken is None:
        return None
    if heard.error is None:
        error = ProviderError(heard.broken or "", kind="protocol")
    else:
        error = in_stream(heard.error)
    failed = http_status if http_status is not None and http_status >= 400 else None
    told = {
        "code": error.code or error.kind,
        "message": clean(error.message, MAX_MESSAGE),
        "kind": error.kind,
        "status": failed or error.status,
    }
    return {name: value for name, value in told.items() if value is not None}

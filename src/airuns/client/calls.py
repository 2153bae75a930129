"""A call of a model's endpoint as it passed by, and the event that it becomes in the background."""

import sys
import zlib

import msgspec

from airuns.client.config import log
from airuns.events import CallEvent

EVENT, CALL = b"e", b"c"  # what a payload of the queue begins with
END_MARKS = ("[DONE]", '"message_stop"', '"response.completed"', '"response.incomplete"')


class RawCall(msgspec.Struct, frozen=True, array_like=True):
    """A call with both bodies as they were on the wire, which cost the caller nothing to keep."""

    event: CallEvent
    request: bytes
    response: bytes | None
    encoding: str
    is_cut: bool


_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode_call = msgspec.msgpack.Decoder(RawCall).decode


def payload_of(event: msgspec.Struct) -> bytes:
    """Return what the queue keeps of an event or a raw call; values of unknown types as text."""
    return (CALL if isinstance(event, RawCall) else EVENT) + _encode(event)


def wire_of(payload: bytes) -> bytes:
    """Return an event of the queue as msgpack. Raises msgspec.MsgspecError or ValueError."""
    if payload[:1] == EVENT:
        return payload[1:]
    raw = _decode_call(payload[1:])
    response = None if raw.response is None else _text(raw.response, raw.encoding)
    whole = not raw.is_cut or any(mark in (response or "")[-2000:] for mark in END_MARKS)
    event = msgspec.structs.replace(
        raw.event,
        request=msgspec.json.decode(raw.request, type=dict),
        response=response,
        status=raw.event.status if raw.event.error else None if whole else "cancelled",
    )
    return _encode(event)


def _text(body: bytes, encoding: str) -> str:
    """Return a body as text, as far as it came."""
    for name in reversed([name.strip() for name in encoding.split(",") if name.strip()]):
        body = _decoded(body, name)
    return body.decode(errors="replace")


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body)
    if encoding == "deflate":
        return zlib.decompressobj().decompress(body)
    if encoding == "identity":
        return body
    library = sys.modules.get("httpx2") or sys.modules["httpx"]  # by which the answer came
    try:
        return library.Response(200, headers={"content-encoding": encoding}, content=body).content
    except library.DecodingError:
        log.warning("The answer of a call ends within its %s encoding and is given up.", encoding)
        return b""

"""Reads a batch of events from a request's body: what cannot be read is refused by itself."""

import zlib
from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.errors import AirunsError, InvalidInput, Malformed, TooLarge
from airuns.events import AnyEvent, CallEvent, Refusal
from airuns.server.text import check_text

MOST_EVENTS = 1000
MSGPACK = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")

_ALL = {
    "json": msgspec.json.Decoder(list[AnyEvent]),
    "msgpack": msgspec.msgpack.Decoder(list[AnyEvent]),
}
_EACH = {"json": msgspec.json.Decoder(list[Any]), "msgpack": msgspec.msgpack.Decoder(list[Any])}


class Read(msgspec.Struct, frozen=True):
    """The events that could be read, their places in the batch, and the others' refusals."""

    events: list[AnyEvent]
    places: list[int]
    refused: list[Refusal]


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body as it was before it was compressed: gzip, deflate or identity.

    Raises Malformed, or TooLarge when it has more than `most` bytes.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Malformed(
            f"Content-Encoding {encoding[:20]} is not known; gzip and deflate are.",
            field="Content-Encoding",
        )
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = inflating.decompress(body, most + 1)
    except zlib.error:
        raise Malformed(f"The body is no {encoding}.", field="body") from None
    if len(plain) > most:
        raise TooLarge(
            f"The body unpacks to more than {most} bytes, which is what AIRUNS_MAX_BODY allows: "
            "send fewer events at once.",
            field="body",
        )
    if not inflating.eof:
        raise Malformed(f"The body breaks off: it is no whole {encoding}.", field="body")
    return plain


def read(body: bytes, content_type: str) -> Read:
    """Read the events of a body, which is a list of them. Raises Malformed when it is none."""
    kind = "msgpack" if content_type.partition(";")[0].strip().lower() in MSGPACK else "json"
    try:
        given: list[Any] = list(_ALL[kind].decode(body))
    except (msgspec.ValidationError, RecursionError):
        given = _each(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is no {kind}: {error}", field="body") from None
    if len(given) > MOST_EVENTS:
        raise TooLarge(f"A batch has at most {MOST_EVENTS} events.", field="body")
    return _sorted(given, b"\0" in body or b"\\u0000" in body)


def _each(body: bytes, kind: str) -> list[Any]:
    try:
        return _EACH[kind].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body must be a list of events.", field="body") from None


def _sorted(given: list[Any], may_have_nul: bool) -> Read:
    events: list[AnyEvent] = []
    places: list[int] = []
    refused: list[Refusal] = []
    for at, one in enumerate(given):
        try:
            event = _event(one)
            if may_have_nul:
                check_text(_checked(event))
            events.append(event)
            places.append(at)
        except AirunsError as fault:
            refusal = Refusal(index=at, id=_id(one), field=fault.field, reason=fault.detail)
            refused.append(refusal)
    return Read(events, places, refused)


def _event(given: Any) -> AnyEvent:
    if isinstance(given, msgspec.Struct):
        return cast("AnyEvent", given)
    try:
        return cast("AnyEvent", msgspec.convert(given, AnyEvent, str_keys=True))
    except (msgspec.ValidationError, RecursionError) as error:
        said, _, path = str(error).partition(" - at `$")
        raise InvalidInput(said, field=path.rstrip("`").lstrip(".") or None) from None


def _checked(event: AnyEvent) -> AnyEvent:
    """Leave out the bodies of a call: what a provider said is mended where it is read."""
    return (
        msgspec.structs.replace(event, request={}, response=None)
        if isinstance(event, CallEvent)
        else event
    )


def _id(given: Any) -> UUID | None:
    if isinstance(given, msgspec.Struct):
        return cast("AnyEvent", given).id
    told = cast("dict[str, Any]", given).get("id") if isinstance(given, dict) else None
    try:
        return told if isinstance(told, UUID) else UUID(str(told))
    except ValueError:
        return None

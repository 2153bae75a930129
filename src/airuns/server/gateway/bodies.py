"""What the gateway reads in bodies, and the few bytes of a request that it may replace."""

import re
import zlib
from typing import Any, cast

import msgspec

from airuns.errors import InvalidInput, Malformed, TooLarge
from airuns.events import Protocol

_model = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)*")')
_token = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_form_model = re.compile(rb'name="?model"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n')
_pieces: dict[Protocol, re.Pattern[bytes]] = {
    "openai.chat": re.compile(
        rb'"(?:content|reasoning_content|reasoning|refusal|arguments|name)"\s*:\s*"[^"]'
    ),
    "openai.responses": re.compile(rb'"delta"\s*:\s*"[^"]'),
    "openai.embeddings": re.compile(rb"."),
    "anthropic.messages": re.compile(rb'"(?:text|thinking|partial_json|name)"\s*:\s*"[^"]'),
}
_decoder = msgspec.json.Decoder()


def has_token(protocol: Protocol, piece: bytes) -> bool:
    """Say whether a piece of a stream has something of the answer in it, not only its frame."""
    return _pieces[protocol].search(piece) is not None


def unpacked(body: bytes, encoding: bytes | None, most: int) -> bytes:
    """Return a body without its Content-Encoding, which may be gzip or deflate.

    Raises TooLarge when it would have more than `most` bytes, Malformed when it is broken, or of
    another encoding.
    """
    if encoding in (None, b"identity", b""):
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise Malformed("The body's Content-Encoding is not known: send gzip, deflate or none.")
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = reader.decompress(body, most + 1)
    except zlib.error as error:
        raise Malformed(f"The body could not be decompressed: {error}.") from None
    if len(plain) > most:
        raise TooLarge("The body is larger than AIRUNS_MAX_BODY allows.")
    return plain


def document(body: bytes) -> dict[str, Any]:
    """Read a JSON body. Raises Malformed when it is no object."""
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"The body is not the JSON that it should be: {error}.") from None
    if not isinstance(found, dict):
        raise Malformed("The body must be a JSON object.")
    return cast("dict[str, Any]", found)


def model_in_form(body: bytes) -> str | None:
    """Return the field `model` of a multipart form, as of an audio file to transcribe."""
    found = _form_model.search(body)
    return found[1].decode(errors="replace") if found else None


def with_model(body: bytes, model: str, *, is_form: bool = False) -> bytes:
    """Return a body that names another model; every other byte stays as it is.

    Raises InvalidInput when the name is written in a way that hides it.
    """
    if is_form:
        found = _form_model.search(body)
        spans = [found.span(1)] if found else []
        new = model.encode()
    else:
        spans = _spans(body)
        new = msgspec.json.encode(model)
    if not spans:
        raise InvalidInput("model must be written plainly, as a string.", field="model")
    for start, end in reversed(spans):
        body = body[:start] + new + body[end:]
    return body


def _spans(body: bytes) -> list[tuple[int, int]]:
    """Find the values of the document's own `model`, not those of what is in it."""
    found = list(_model.finditer(body))
    if len(found) > 1:
        outer = _outer_keys(body)
        found = [one for one in found if one.start() in outer]
    return [one.span(1) for one in found]


def _outer_keys(body: bytes) -> set[int]:
    depth = 0
    places: set[int] = set()
    for token in _token.finditer(body):
        first = body[token.start()]
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
        elif depth == 1:
            places.add(token.start())
    return places

"""Bodies of requests as they come, compressed or not, never larger than is allowed."""

import zlib

from airuns.errors import AirunsError, Malformed, TooLarge

GZIP = 31  # zlib's window bits: the largest window, with a gzip header
ZLIB = 15
MOST_MEMBERS = 100  # of a gzip file; each costs a copy of what follows it


class Unsupported(AirunsError):
    """The request is in a form that is not understood"""

    status = 415
    code = "unsupported"


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body without its Content-Encoding: gzip, deflate or identity.

    Raises TooLarge beyond `most` bytes, before more is unpacked; Malformed for damaged data;
    Unsupported for another encoding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            windows = (GZIP,)
        case "deflate":
            windows = (ZLIB, -ZLIB)  # some send it bare, without the header that it should have
        case _:
            raise Unsupported(f"Content-Encoding {encoding[:40]!r}: use gzip, deflate or none.")
    for window in windows:
        try:
            return _inflated(body, window, most)
        except zlib.error:
            continue
    raise Malformed(f"The body is no {encoding[:40]} data, or is damaged.")


def _inflated(body: bytes, window: int, most: int) -> bytes:
    parts: list[bytes] = []
    room = most
    for _ in range(MOST_MEMBERS):
        unpacker = zlib.decompressobj(window)
        part = unpacker.decompress(body, room + 1)
        if len(part) > room:
            raise TooLarge(f"The body has more than {most} bytes when unpacked; send smaller ones.")
        if not unpacker.eof:
            raise zlib.error("the data end too early")
        parts.append(part)
        room -= len(part)
        body = unpacker.unused_data
        if not body:
            return b"".join(parts)
    raise zlib.error("too many members")

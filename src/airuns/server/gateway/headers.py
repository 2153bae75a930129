"""Headers: which of a request are for us, and which go on."""

from collections.abc import Iterable
from typing import Any

import msgspec

Head = Iterable[tuple[bytes, bytes]]

# RFC 9110, section 7.6.1, and what is between the client and us alone.
HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
NOT_SENT = HOP_BY_HOP | {b"host", b"content-length", b"authorization", b"x-api-key", b"cookie"}
# What a provider says of its own address is not true of ours.
NOT_ANSWERED = HOP_BY_HOP | {b"set-cookie", b"alt-svc", b"strict-transport-security"}
READABLE = frozenset({"gzip", "x-gzip", "deflate", "identity"})
OURS = b"airuns-"


class Given(msgspec.Struct):
    """What a request's headers say: `ours` without the prefix `airuns-`, `sent` goes upstream."""

    key: str | None
    ours: dict[str, str]
    sent: list[tuple[str, str]]
    content_type: bytes
    content_encoding: bytes | None
    says_anthropic: bool
    accept_encoding: str | None


def read(head: Head) -> Given:
    """Read the headers of a request (ASGI: names in lower case)."""
    given = Given(None, {}, [], b"", None, False, None)
    dropped: frozenset[bytes] = frozenset()
    for name, value in head:
        if name in NOT_SENT:
            if name == b"authorization":
                scheme, _, key = value.decode("latin-1").partition(" ")
                given.key = key.strip() if scheme.lower() == "bearer" else given.key
            elif name == b"x-api-key":
                given.key = given.key or value.decode("latin-1").strip()
            elif name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
                dropped = frozenset(one.strip() for one in value.lower().split(b","))
        elif name.startswith(OURS):
            given.ours[name[len(OURS) :].decode("latin-1")] = _text(value)
        elif name == b"accept-encoding":
            given.accept_encoding = _text(value)
        else:
            if name == b"content-type":
                given.content_type = value.lower()
            elif name == b"content-encoding":
                given.content_encoding = value.lower().strip()
            elif name == b"anthropic-version":
                given.says_anthropic = True
            given.sent.append((name.decode("latin-1"), _text(value)))
    if dropped:
        given.sent = [one for one in given.sent if one[0].encode() not in dropped]
    return given


def readable_encodings(accepted: str) -> str:
    """Leave out of Accept-Encoding what the recorder could not read."""
    kept = [one for one in accepted.split(",") if one.split(";")[0].strip().lower() in READABLE]
    return ",".join(kept) if kept else "identity"


def answered(raw: Head, more: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer: the provider's but for those of the hop, and ours."""
    head = [(lower, value) for name, value in raw if (lower := name.lower()) not in NOT_ANSWERED]
    head += more
    return head


def content_type(response: Any) -> bytes:
    """Return the media type of a provider's response, in lower case."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower().encode()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

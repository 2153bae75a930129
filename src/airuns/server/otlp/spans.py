"""A span as programs send it, whichever way it was encoded, and the ids that it gives to others."""

from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

LAST_NS = 2**63  # in the year 2262, where most clocks of nanoseconds end
ERROR = 2  # STATUS_CODE_ERROR


class Happening(msgspec.Struct, frozen=True):
    """An event within a span; `at` is in nanoseconds since 1970."""

    name: str
    at: int
    attributes: dict[str, Any]


class Span(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A span; ids are bytes (16 of the trace, 8 of a span), times nanoseconds since 1970.

    Values of attributes are texts, numbers, bools, None, lists and dicts; bytes are as base64.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes = b""
    name: str = ""
    start: int = 0
    end: int = 0
    attributes: dict[str, Any] = {}
    happenings: list[Happening] = []
    is_error: bool = False
    status_message: str = ""
    scope: str = ""
    service: str | None = None

    @cached_property
    def task_id(self) -> UUID:
        """The same for the same span, and sorted by its start as a UUIDv7 is."""
        return _timed(self.start // 1_000_000, sha256(self.trace_id + self.span_id).digest())

    @property
    def began_at(self) -> datetime | None:
        """When it began; None when it does not say."""
        return moment(self.start)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None when it does not say."""
        return moment(self.end)

    @property
    def seconds(self) -> float | None:
        """How long it took; None when it does not say."""
        return self.after(self.end)

    def after(self, at: int) -> float | None:
        """Return the seconds from its start to a time in nanoseconds; None for no such time."""
        return (at - self.start) / 1e9 if 0 < self.start <= at <= LAST_NS else None


def moment(at: int) -> datetime | None:
    """Return a time in nanoseconds since 1970; None for 0, which says nothing, and for no time."""
    return datetime.fromtimestamp(at / 1e9, UTC) if 0 < at <= LAST_NS else None


def run_of(kind: str, name: str) -> UUID:
    """Return the id of the run of a session or a trace, the same for the same name of it."""
    digest = sha256(f"airuns:otlp:{kind}:{name}".encode()).digest()
    return UUID(bytes=_marked(digest[:16], 8))


def _timed(milliseconds: int, digest: bytes) -> UUID:
    time = min(milliseconds, 2**48 - 1).to_bytes(6, "big")
    return UUID(bytes=_marked(time + digest[:10], 7))


def _marked(sixteen: bytes, version: int) -> bytes:
    number = int.from_bytes(sixteen, "big")
    number = number & ~(0xF << 76) | version << 76
    return (number & ~(0x3 << 62) | 0x2 << 62).to_bytes(16, "big")

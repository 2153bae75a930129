"""What a task comes to, and its events while it runs (server-sent events)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

ENDS = frozenset({"task.completed", "task.error", "task.cancelled"})


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a task ended, or how far it is. `cost` is in USD, times in seconds; None is unknown."""

    run_id: UUID | None
    task_id: UUID
    status: str
    response_text: str
    response_data: Any = None
    response_errors: Any = None
    model: str | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    tokens_total: int | None = None
    tokens_cache_read: int | None = None
    tokens_cache_write_5m: int | None = None
    tokens_cache_write_1h: int | None = None
    tokens_reasoning: int | None = None
    usage_estimated: bool = False
    cost: Decimal | None = None
    time_to_first_token: float | None = None
    total_time: float | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a task: its name (task.delta, …), its data, and the length of the text after it.

    `text` is the piece of the answer that a task.delta brings, else empty.
    """

    name: str
    data: dict[str, Any]
    offset: int

    @property
    def text(self) -> str:
        return self.data["text"] if self.name == "task.delta" else ""

    @property
    def is_last(self) -> bool:
        return self.name in ENDS

    @property
    def result(self) -> Result | None:
        """The whole result, of the last event."""
        return msgspec.convert(self.data, Result, strict=False) if self.is_last else None


class Reader:
    """Reads server-sent events out of pieces, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that are whole now."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        return [event for block in blocks if (event := _event(block.decode())) is not None]


def _event(block: str) -> Event | None:
    """Return an event; None for a comment, with which the server shows that it is there."""
    fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
    if not fields:
        return None
    data = msgspec.json.decode(fields["data"])
    return Event(name=fields["event"], data=data, offset=int(fields["id"]))

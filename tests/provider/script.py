"""What a scripted model does."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


class Gate:
    """Holds pieces back until a test lets them out; piece n (from 0) passes once n+1 were let out.

    Thread-safe. One gate may serve several requests: each sees the same count.
    """

    def __init__(self) -> None:
        self._let_out = 0.0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def open(self, pieces: float = float("inf")) -> None:
        """Let out that many more pieces; all of them by default."""
        self._let_out += pieces
        for loop, event in list(self._waiting):
            loop.call_soon_threadsafe(event.set)

    async def passed(self, piece: int) -> None:
        """Wait until piece `piece` may go out."""
        waiting = (asyncio.get_running_loop(), asyncio.Event())
        self._waiting.add(waiting)
        try:
            while self._let_out <= piece:
                await waiting[1].wait()
                waiting[1].clear()
        finally:
            self._waiting.discard(waiting)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Usage in our own terms: `input` is all input; each protocol counts it in its own way.

    `output` None means one token a piece.
    """

    input: int = 10
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool call; `arguments` are the pieces of its JSON."""

    id: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An HTTP error with a body of the protocol's shape; `body` replaces that body."""

    status: int
    message: str = "scripted failure"
    code: str = "scripted"
    retry_after: str | None = None
    request_id: str | None = "req_failed"
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a model answers. Delays are seconds; counts are of `pieces` and start at 0.

    `failures` are answered first, one a request. `silent` never answers at all. `gate` holds back
    every piece; `head_gate` holds back the response's head. After the stated number of pieces,
    `cut_after` resets the connection, `end_after` ends the stream without its end mark,
    `garbage_after` sends what is no JSON, `error_after` sends an error event. `whole` ignores
    `stream: true` and answers one JSON document. `raw` is sent as the stream, as it is.
    """

    pieces: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    usage: Tokens | None = field(default_factory=Tokens)
    finish: str = "stop"
    failures: tuple[Failure, ...] = ()
    delay_first: float = 0
    delay: float = 0
    gate: Gate | None = None
    head_gate: Gate | None = None
    silent: bool = False
    endless: bool = False
    clock: bool = False
    cut_after: int | None = None
    end_after: int | None = None
    garbage_after: int | None = None
    error_after: int | None = None
    whole: bool = False
    raw: tuple[bytes, ...] | None = None

    def answer(self) -> Iterator[str]:
        """The pieces of the text, made as they are sent."""
        if self.clock:
            return (now() for _ in self.pieces)
        if self.endless:
            return (f"word{number} " for number in itertools.count())
        return iter(self.pieces)

    def tokens_output(self) -> int:
        """Tokens of the answer: those of `usage`, or one a piece."""
        assert self.usage is not None
        return len(self.pieces) if self.usage.output is None else self.usage.output


def now() -> str:
    """The piece of a clock."""
    return f"{time.monotonic_ns()} "


def named(model: str, last_user_message: str) -> Script | None:
    """The script of a model that tells by its name what it does; None for any other name."""
    kind, *numbers = model.split(":")
    if kind == "echo":
        words = last_user_message.split(" ")
        return Script(pieces=tuple(f"{word} " for word in words[:-1]) + tuple(words[-1:]))
    if kind == "silent":
        return Script(silent=True)
    if not all(number.isdigit() for number in numbers):
        return None
    if kind == "endless":
        return Script(endless=True, delay=_milliseconds(numbers))
    if kind == "fail" and numbers:
        return Script(failures=(Failure(status=int(numbers[0])),) * 1000)
    if kind in ("text", "clock") and numbers:
        pieces = tuple(f"word{number} " for number in range(int(numbers[0])))
        return Script(pieces=pieces, clock=kind == "clock", delay=_milliseconds(numbers[1:]))
    return None


def _milliseconds(numbers: list[str]) -> float:
    return int(numbers[0]) / 1000 if numbers else 0

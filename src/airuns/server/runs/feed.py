"""The events of one task as it runs: written by the engine, followed by any number of viewers.

Text events carry the offset at which their text begins, in characters (Unicode code points). A
viewer that has `n` characters follows from offset `n` and gets exactly the rest: that is the whole
resume protocol, for Socket.IO and server-sent events alike. Other events are repeated to a viewer
that resumes at the offset where they happened; they carry ids or whole states, so that is harmless.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a task. `offset` is the length of the text after it."""

    name: str
    data: dict[str, Any]
    offset: int


STARTED = "task.started"
DELTA = "task.delta"
PING = "ping"
PING_SECONDS = 15.0
FINAL = ("task.completed", "task.error", "task.cancelled")


def delta(task_id: Any, offset: int, text: str) -> Event:
    """Return the event of a piece of text that begins at `offset`."""
    return Event(DELTA, {"task_id": task_id, "offset": offset, "text": text}, offset + len(text))


class Feed:
    """The events of a running task, from its start on. `on_event` hears each as it happens."""

    def __init__(self, task_id: Any, on_event: Callable[[Event], None]) -> None:
        self.task_id = task_id
        self.length = 0
        self.ended = False
        self._on_event = on_event
        self._events: list[Event] = []
        self._waiting: list[asyncio.Future[bool]] = []

    @property
    def text(self) -> str:
        """The text so far."""
        return self.text_from(0)

    def text_from(self, offset: int) -> str:
        """Return the text from `offset` on."""
        first = self._first_at(offset)
        texts = [event.data["text"] for event in self._events[first:] if event.name == DELTA]
        return "".join(texts)[offset - self._begin(first) :] if texts else ""

    def add_text(self, text: str) -> None:
        """Add a piece of the answer."""
        event = delta(self.task_id, self.length, text)
        self.length = event.offset
        self._add(event)

    def add(self, name: str, data: dict[str, Any]) -> None:
        """Add an event that is not text. One of FINAL ends the feed."""
        self.ended = self.ended or name in FINAL
        self._add(Event(name, {"task_id": self.task_id, **data}, self.length))

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._on_event(event)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _resolve(future, True)

    async def follow(self, offset: int = 0) -> AsyncGenerator[Event]:
        """Yield what happened from `offset` on, then what happens, until the task ends.

        A viewer that is slower than the model gets pieces joined. While nothing happens a ping
        comes now and then, so that a connection is kept open and a broken one is noticed.
        """
        index = self._first_at(offset)
        while True:
            while index < len(self._events):
                event, index = self._next(index, offset)
                offset = event.offset
                yield event
            if self.ended:
                return
            if not await self._change():
                yield Event(PING, {}, offset)

    async def _change(self) -> bool:
        """Wait for the next event; False when none came for a while."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(future)
        alarm = loop.call_later(PING_SECONDS, _resolve, future, False)
        try:
            return await future
        finally:
            alarm.cancel()

    def _next(self, index: int, offset: int) -> tuple[Event, int]:
        event = self._events[index]
        end = index + 1
        if event.name != DELTA:
            return event, end
        while end < len(self._events) and self._events[end].name == DELTA:
            end += 1
        if end == index + 1 and event.data["offset"] == offset:
            return event, end
        text = "".join(each.data["text"] for each in self._events[index:end])
        return delta(self.task_id, offset, text[offset - event.data["offset"] :]), end

    def _first_at(self, offset: int) -> int:
        """Return the index of the first event that a viewer with `offset` characters needs."""
        index = bisect_left(self._events, offset, key=lambda event: event.offset)
        if index < len(self._events) and offset and self._events[index].name == DELTA:
            index += self._events[index].offset == offset
        return index

    def _begin(self, index: int) -> int:
        """Return where the text of the event at `index` begins."""
        return self._events[index - 1].offset if index else 0


def _resolve(future: asyncio.Future[bool], changed: bool) -> None:
    if not future.done():
        future.set_result(changed)

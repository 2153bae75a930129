"""Takes spans: says of each what it is, makes events of them, and gives these to the recorder."""

import logging
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import msgspec

from airuns.events import AnyEvent, Outcome, TaskEvent
from airuns.server.db.door import As, Database
from airuns.server.metrics import Metric
from airuns.server.otlp import store
from airuns.server.otlp.kinds import kind_of
from airuns.server.otlp.messages import Fields
from airuns.server.otlp.reading import ended, errors_of, run_of_span, source_of, task_of, whence
from airuns.server.otlp.spans import Span
from airuns.server.otlp.storable import storable
from airuns.server.otlp.tools import Calls, Place, Use, use_of

MOST_SAID = 20  # faults that an answer lists
HELP = {
    "task": "Spans that became tasks.",
    "tool": "Spans of the uses of tools.",
    "other": "Spans that were accepted and are of nothing that is kept.",
    "rejected": "Spans that were not stored.",
}
_NEVER = datetime.max.replace(tzinfo=UTC)

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """What takes events; it returns when they are durable."""

    def take(self, who: As, events: Sequence[AnyEvent]) -> Awaitable[Outcome]: ...


class Taken(msgspec.Struct, frozen=True):
    """What became of a request: spans that were not stored, and all that was not, in words."""

    rejected: int
    message: str


class Batch(msgspec.Struct):
    """What the spans of one request are, on their way to the recorder.

    `spans` is how many spans each event tells of, by the event's id.
    """

    calls: list[tuple[Span, TaskEvent]] = []
    uses: list[tuple[Span, Use]] = []
    faults: list[str] = []
    spans: dict[UUID, int] = {}
    others: int = 0
    rejected: int = 0

    def add(self, span: Span) -> None:
        """Sort a span in. One that cannot be read is rejected by itself."""
        if len(span.trace_id) != 16 or len(span.span_id) != 8:
            self.reject(span, "it has no trace id of 16 bytes and span id of 8")
            return
        try:
            self._add(span)
        except Exception as error:  # a defect of ours must not cost the spans beside it
            reference = uuid4().hex[:12]
            log.error("A span could not be read, reference %s", reference, exc_info=error)
            self.reject(span, f"it could not be read; quote {reference} to who runs the server")

    def reject(self, span: Span, reason: str) -> None:
        """Note that a span is not stored, and why."""
        self.rejected += 1
        self.faults.append(f"span {span.span_id.hex()} ({span.name[:60]}): {reason}")

    def _add(self, span: Span) -> None:
        kind = kind_of(span)
        if kind == "other":
            self.others += 1
        elif kind == "tool":
            self.uses.append((span, use_of(span)))
        else:
            read = task_of(span, kind)
            self.calls.append((span, storable(read.event)))
            name = f"span {span.span_id.hex()} ({span.name[:60]})"
            self.faults += [f"{name}: {fault}" for fault in read.faults]


class Intake:
    """Takes the spans of one process."""

    def __init__(self, db: Database, recorder: Recorder) -> None:
        self._db = db
        self._recorder = recorder
        self._asked = Calls()
        self._counts = dict.fromkeys(HELP, 0)

    async def take(self, who: As, spans: Iterable[Span]) -> Taken:
        """Store what spans tell of; returns when it is durable.

        Raises Unavailable when that cannot be now; then the same spans may come again.
        """
        batch = Batch()
        for span in spans:
            batch.add(span)
        for span, event in batch.calls:
            self._asked.remember(who.user_id, span, event)
        events = await self._events(who, batch)
        if events:
            outcome = await self._recorder.take(who, events)
            for each in outcome.refused:
                event = events[each.index]
                batch.rejected += batch.spans[event.id]
                place = f" ({each.field})" if each.field else ""
                batch.faults.append(f"{_told(event)}: {each.reason}{place}")
        self._count(batch)
        return Taken(batch.rejected, _message(batch.faults))

    def metrics(self) -> list[Metric]:
        """Return how many spans of each kind have come."""
        return [
            Metric(f"airuns_otlp_{name}_spans_total", HELP[name], count, "counter")
            for name, count in self._counts.items()
        ]

    async def _events(self, who: As, batch: Batch) -> list[TaskEvent]:
        """Return the events of a batch in the order of time, each use with its call."""
        updates: dict[Place, list[Fields]] = {}
        for span, use, place in await self._placed(who, batch):
            if place is None:
                event = storable(_alone(span, use))
                batch.calls.append((span, event))
            else:
                updates.setdefault(place, []).append(use.update)
        events: dict[UUID, TaskEvent] = {}
        for _, event in batch.calls:
            events[event.id] = event
            batch.spans[event.id] = batch.spans.get(event.id, 0) + 1
        for place, found in updates.items():
            event = events.get(place.task_id) or TaskEvent(id=place.task_id, run_id=place.run_id)
            batch.spans[event.id] = batch.spans.get(event.id, 0) + len(found)
            events[event.id] = storable(msgspec.structs.replace(event, tool_updates=found))
        return sorted(events.values(), key=lambda event: event.at or _NEVER)

    async def _placed(self, who: As, batch: Batch) -> list[tuple[Span, Use, Place | None]]:
        """Find the task that asked for each use; the database is asked for what is not known."""
        uses = [(s, use, self._asked.asker(who.user_id, s, use)) for s, use in batch.uses]
        runs = {run_of_span(span) for span, _, place in uses if place is None}
        wanted = [run_id for run_id in runs if run_id is not None]
        if not wanted:
            return uses
        known: dict[tuple[UUID | None, str], Place] = {}
        for task in await store.tools_asked_for(self._db, who, wanted):
            place = Place(task.task_id, task.run_id)
            for call in task.calls:
                function = call.get("function", {})
                known.setdefault((task.run_id, f"id {call.get('id')}"), place)
                known.setdefault((task.run_id, f"name {function.get('name')}"), place)
        return [
            (span, use, place or known.get((run_of_span(span), use.key)))
            for span, use, place in uses
        ]

    def _count(self, batch: Batch) -> None:
        found = {
            "task": len(batch.calls),
            "tool": len(batch.uses),
            "other": batch.others,
            "rejected": batch.rejected,
        }
        for name, count in found.items():
            self._counts[name] += count


def _alone(span: Span, use: Use) -> TaskEvent:
    """Return the use of a tool that no known task asked for as a task of its own."""
    errors = errors_of(span)
    return TaskEvent(
        id=span.task_id,
        at=span.began_at,
        run_id=run_of_span(span),
        status=ended(errors),
        service="tool",
        task_name=use.name[:100] or None,
        tool_updates=[use.update],
        response_errors=errors,
        response_metadata=whence(span),
        total_time=span.seconds,
        completed_at=span.ended_at,
        source_type="custom",
        source_id=source_of(span),
        name=use.name[:100] or None,
    )


def _told(event: TaskEvent) -> str:
    told = event.response_metadata or {}
    return f"span {told.get('span_id', '?')} ({told.get('span_name', '')[:60]})"


def _message(faults: list[str]) -> str:
    more = len(faults) - MOST_SAID
    shown = [*faults[:MOST_SAID], f"and {more} more"] if more > 0 else faults
    return "; ".join(shown)

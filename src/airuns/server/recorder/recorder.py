"""Merges what comes at once: while a transaction of a user runs, others wait for the next one.

So many small requests cost little more than one large one, and a user's events keep their order.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
import psycopg

from airuns.errors import AirunsError, Conflict, Forbidden, InvalidInput, Unavailable
from airuns.events import AnyEvent, Outcome, Refusal
from airuns.server.db.door import As, Database, retried
from airuns.server.news import News
from airuns.server.recorder import rules
from airuns.server.recorder.store import Entry, MustBeAlone, Stored, record

log = logging.getLogger(__name__)

MOST_AT_ONCE = 1000
FEW_RUNS = 5


class _Batch(msgspec.Struct):
    entries: list[Entry]
    done: asyncio.Future[Outcome]


class Recorder:
    """Stores events of programs; one per process."""

    def __init__(self, db: Database, news: News) -> None:
        self._db = db
        self._news = news
        self._waiting: dict[UUID, deque[_Batch]] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Sequence[AnyEvent]], None]] = []

    def heard_by(self, listener: Callable[[Sequence[AnyEvent]], None]) -> None:
        """Have something of this process called with the events of each batch that is stored."""
        self._listeners.append(listener)

    async def take(self, who: As, events: Sequence[AnyEvent]) -> Outcome:
        """Store events; returns when they are durable.

        Raises Forbidden for who may see a single run only, Unavailable when the database is away.
        """
        if who.run_id is not None:
            raise Forbidden("Events are told with a key of one's own.")
        if not events:
            return Outcome(stored=0, waiting=0, refused=[])
        done = asyncio.get_running_loop().create_future()
        batch = _Batch([Entry(event, who.key_id) for event in events], done)
        if who.user_id in self._waiting:
            self._waiting[who.user_id].append(batch)
        else:
            self._waiting[who.user_id] = deque([batch])
            task = asyncio.create_task(self._work(who.user_id))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await done

    async def stop(self) -> None:
        """Wait until everything that was taken is stored, or cannot be."""
        await asyncio.gather(*self._working)

    async def _work(self, user_id: UUID) -> None:
        waiting = self._waiting[user_id]
        try:
            while waiting:
                some = [waiting.popleft()]
                size = len(some[0].entries)
                while waiting and size + len(waiting[0].entries) <= MOST_AT_ONCE:
                    some.append(waiting.popleft())
                    size += len(some[-1].entries)
                await self._store(As(user_id), some)
        finally:
            del self._waiting[user_id]

    async def _store(self, who: As, batches: list[_Batch]) -> None:
        entries = [entry for batch in batches for entry in batch.entries]
        try:
            stored = await self._record(who, entries)
        except Exception as fault:  # whoever waits must hear of it, whatever it is
            if not isinstance(fault, AirunsError):
                log.exception("A batch of events could not be stored")
                fault = Unavailable("The events could not be stored, by a fault of the server.")
            for batch in batches:
                if not batch.done.done():
                    batch.done.set_exception(fault)
            return
        self._tell(who, stored)
        _answer(batches, stored)
        for listener in self._listeners:
            try:
                listener([entry.event for entry in entries])
            except Exception:  # what only listens must not stop the recording
                log.exception("A listener of the recorder failed")

    def _tell(self, who: As, stored: Stored) -> None:
        if len(stored.runs) > FEW_RUNS:
            self._news.runs(who, "record")
        else:
            for run_id in stored.runs:
                self._news.run(who, run_id, "ended")

    async def _record(self, who: As, entries: list[Entry]) -> Stored:
        """Store what is of some runs beside what is of others, where there is enough of it."""
        lanes = rules.lanes([entry.event for entry in entries])
        if len(lanes) == 1:
            return await self._record_alone(who, entries)
        stored = await asyncio.gather(
            *(self._record_lane(who, [entries[at] for at in lane]) for lane in lanes)
        )
        return Stored(
            refused={
                lane[at]: fault
                for lane, each in zip(lanes, stored, strict=True)
                for at, fault in each.refused.items()
            },
            waiting=[
                lane[at] for lane, each in zip(lanes, stored, strict=True) for at in each.waiting
            ],
            runs=[run_id for each in stored for run_id in each.runs],
        )

    async def _record_lane(self, who: As, entries: list[Entry]) -> Stored:
        """Store beside others, or alone when they turn out to matter to each other."""
        try:
            return await _record(self._db, who, entries, alone=False)
        except (MustBeAlone, psycopg.errors.IntegrityError, psycopg.errors.DataError, InvalidInput):
            return await self._record_alone(who, entries)

    async def _record_alone(self, who: As, entries: list[Entry]) -> Stored:
        """Store all at once; what the database refuses is looked for by halves."""
        try:
            return await _record(self._db, who, entries, alone=True)
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError, InvalidInput) as fault:
            if len(entries) == 1:
                log.warning("An event was refused by the database: %s", type(fault).__name__)
                return Stored(refused={0: _unfit(fault)}, waiting=[], runs=[])
        middle = len(entries) // 2
        first = await self._record_alone(who, entries[:middle])
        second = await self._record_alone(who, entries[middle:])
        moved = {at + middle: fault for at, fault in second.refused.items()}
        return Stored(
            refused={**first.refused, **moved},
            waiting=[*first.waiting, *(at + middle for at in second.waiting)],
            runs=list({*first.runs, *second.runs}),
        )


@retried
async def _record(db: Database, who: As, entries: list[Entry], *, alone: bool) -> Stored:
    async with db.transaction(who) as tx:
        return await record(tx, who.user_id, entries, alone=alone)


def _unfit(fault: Exception) -> AirunsError:
    if isinstance(fault, AirunsError):
        return fault
    if isinstance(fault, psycopg.errors.UniqueViolation):
        return Conflict("Its id is that of something else of yours.")
    return InvalidInput("It has a value that is out of bounds, or that contradicts another.")


def _answer(batches: list[_Batch], stored: Stored) -> None:
    """Tell each sender what became of its own events."""
    start = 0
    for batch in batches:
        end = start + len(batch.entries)
        refused = [
            Refusal(
                index=at - start,
                id=batch.entries[at - start].event.id,
                field=fault.field,
                reason=fault.detail,
            )
            for at, fault in sorted(stored.refused.items())
            if start <= at < end
        ]
        waiting = sum(1 for at in stored.waiting if start <= at < end)
        if not batch.done.done():
            kept = len(batch.entries) - len(refused) - waiting
            batch.done.set_result(Outcome(stored=kept, waiting=waiting, refused=refused))
        start = end

"""Brings what the spool has to the recorder: in order, in batches, patient with the database.

A call that has ended is kept in memory until it is stored, as long as all of them are small enough
together; beyond that only the disk has it, and it is read again when its turn comes.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count, groupby, islice
from pathlib import Path
from uuid import UUID

import msgspec

from airuns.errors import AirunsError, Unavailable
from airuns.events import CallEvent, Outcome
from airuns.server.db.door import SERVICE, As, Database
from airuns.server.gateway import spool
from airuns.server.gateway.records import Begun, Ended, Record, event_of
from airuns.server.gateway.spool import Spool

log = logging.getLogger(__name__)

Take = Callable[[As, Sequence[CallEvent]], Awaitable[Outcome]]

MOST_HELD = 32 * 1024 * 1024
MOST_KEPT = 16 * 1024 * 1024  # of one answer
BATCH = 64
PAUSE_SECONDS = 0.05  # a batch gathers, so that a busy server writes fewer of them
LONGEST_WAIT = 15.0
LAST_SECONDS = 5.0
TRIES = 4  # of what fails without the database being away


class Open:
    """A call that is being passed through, and what has come of its answer."""

    __slots__ = ("begun", "number", "pieces", "segment", "size")

    def __init__(self, number: int, segment: int, begun: Begun) -> None:
        self.number = number
        self.segment = segment
        self.begun = begun
        self.pieces: list[bytes] = []
        self.size = 0


class Recording:
    """The records of one process on their way to the database."""

    def __init__(
        self,
        data_dir: Path,
        process_id: UUID,
        take: Take,
        db: Database,
        most_held: int = MOST_HELD,
    ) -> None:
        self._most_held = most_held
        self._db = db
        self._data_dir = data_dir
        self._spool = Spool(data_dir, process_id)
        self._take = take
        self._encoder = msgspec.msgpack.Encoder()
        self._number = 0
        self._waiting: deque[Record] = deque()
        self._held = 0
        self._on_disk = 0  # how many records wait on disk only
        self._disk_from: int | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._left_bytes = 0
        self.taken = 0
        self.recorded = 0
        self.refused = 0
        self.recovered = 0

    @property
    def waiting(self) -> int:
        """How many calls have ended and are not in the database yet."""
        return len(self._waiting) + self._on_disk

    @property
    def held(self) -> int:
        """Bytes of them that are in memory."""
        return self._held

    @property
    def spooled(self) -> int:
        """Bytes on disk, those of processes that died included."""
        return self._spool.size + self._left_bytes

    @property
    def failures(self) -> int:
        """How many writes the disk did not take."""
        return self._spool.failures

    def begin(self, begun: Begun) -> Open:
        """Keep a call that is about to be passed on."""
        self._number += 1
        segment = self._spool.begin(self._number, self._encoder.encode(begun))
        return Open(self._number, segment, begun)

    def piece(self, call: Open, piece: bytes) -> None:
        """Keep a piece of the answer; afterwards the client may see it."""
        call.size += len(piece)
        if call.size > MOST_KEPT:
            return
        call.pieces.append(piece)
        self._spool.write(b"P", call.number, piece)

    def end(self, call: Open, ended: Ended) -> None:
        """Keep how a call ended; afterwards the client may see the end."""
        if call.size > MOST_KEPT:
            notes = {**(ended.notes or {}), "kept_bytes": MOST_KEPT, "bytes": call.size}
            ended = msgspec.structs.replace(ended, notes=notes)
        if self._disk_from is None and self._held > self._most_held:
            self._disk_from = self._spool.roll()
        self._spool.write(b"E", call.number, self._encoder.encode(ended))
        self.taken += 1
        if self._disk_from is None:
            record = Record(call.segment, call.begun, b"".join(call.pieces), ended)
            self._waiting.append(record)
            self._held += record.size
        else:
            self._on_disk += 1
        self._wake.set()

    def start(self) -> None:
        """Begin to bring records to the database, first those of processes that died."""
        self._left = spool.left_behind(self._data_dir)
        self._left_bytes = sum(spool.size_of(folder) for folder, _ in self._left)
        self._draining = asyncio.create_task(self._drain())
        self._recovering = asyncio.create_task(self._recover())

    async def stop(self) -> None:
        """Bring away what still waits, for some seconds; the rest stays on disk for the next."""
        self._stopping = True
        self._wake.set()
        for task in (self._draining, self._recovering):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(task, LAST_SECONDS)
        for _, lock in self._left:
            os.close(lock)
        self._spool.close()

    async def _drain(self) -> None:
        while not (self._stopping and not self.waiting):
            if not self.waiting:
                await self._wake.wait()
                self._wake.clear()
                if not self._stopping:
                    await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._waiting:
                await self._drain_memory()
            else:
                await self._drain_disk()

    async def _drain_memory(self) -> None:
        batch = list(islice(self._waiting, BATCH))
        await self._store(batch)
        for record in batch:
            self._waiting.popleft()
            self._held -= record.size
            self._spool.stored(record.segment)
        if len(self._waiting) < BATCH and not self._stopping:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _drain_disk(self) -> None:
        """Read what only the disk has. Calls that end meanwhile are kept in memory again."""
        assert self._disk_from is not None
        ended_from, self._disk_from = self._disk_from, None
        records = self._spool.read(self._spool.roll(), ended_from)
        while batch := list(islice(records, BATCH)):
            await self._store(batch)
            self._on_disk -= len(batch)
            for record in batch:
                self._spool.stored(record.segment)

    async def _recover(self) -> None:
        while self._left:
            folder, lock = self._left[0]
            records: Iterator[Record] = spool.read_folder(folder)
            while batch := list(islice(records, BATCH)):
                await self._store(batch)
                self.recovered += len(batch)
                await asyncio.sleep(0)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            self._left.pop(0)
            self._left_bytes = sum(spool.size_of(each) for each, _ in self._left)

    async def _store(self, batch: list[Record]) -> None:
        """Have the recorder take a batch, however long the database is away."""
        for _, group in groupby(batch, key=lambda record: record.begun.who):
            records = list(group)
            await self._store_of_one(records[0].begun.who, [event_of(each) for each in records])

    async def _store_of_one(self, who: As, events: list[CallEvent]) -> None:
        wait = 0.1
        for attempt in count(1):
            try:
                self._note(await self._take(who, events), len(events))
                return
            except AirunsError as error:
                log.warning("calls wait on disk, tried again in %.1f s: %s", wait, error.detail)
                if attempt >= TRIES and await self._is_there():
                    await self._store_single(who, events)
                    return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _note(self, outcome: Outcome, count: int) -> None:
        self.recorded += count - len(outcome.refused)
        self.refused += len(outcome.refused)
        for refusal in outcome.refused:
            log.error("call %s could not be recorded: %s", refusal.id, refusal.reason)

    async def _is_there(self) -> bool:
        """Say whether the database answers; then it was a fault, and not its absence."""
        try:
            async with self._db.transaction(SERVICE) as tx:
                await tx.value("select 1")
        except Unavailable:
            return False
        return True

    async def _store_single(self, who: As, events: list[CallEvent]) -> None:
        """Find the call at which the recorder fails, and go on without it."""
        if len(events) == 1:
            self.refused += 1
            log.error("call %s could not be recorded", events[0].id)
            return
        for event in events:
            await self._store_of_one(who, [event])

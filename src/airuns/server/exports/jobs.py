"""Makes exports in the background, a few at once in each server process, each from its beginning.

PDFs take long and have places of their own, so that nothing else waits for them. A user has one
place of each sort at a time, and whoever has waited longest for a turn comes first: so nobody's
exports hold up another's.

The file goes into the database in chunks, so that any process can send it and a dead process leaves
no file behind. Whoever makes an export says every few seconds that it lives; one that is silent for
AIRUNS_LEASE seconds loses it to another.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import aclosing, contextmanager, suppress
from uuid import UUID

import msgspec

from airuns.errors import AirunsError, Unavailable
from airuns.server.db.door import As, Database
from airuns.server.exports import store
from airuns.server.exports.formats import blocks, prepare
from airuns.server.exports.reading import Done
from airuns.server.ids import new_id
from airuns.server.news import News
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
SAY_SECONDS = 1.0
EXPIRE_SECONDS = 600.0
MOST_TRIES = 3
PLACES = 2
"""How many exports are made at once, of PDFs and of all others."""

CHUNK = 1024 * 1024


class Gone(Exception):
    """The export was deleted meanwhile, or another process makes it."""


class Exporter:
    """Makes the exports of one process."""

    def __init__(self, settings: Settings, db: Database, news: News) -> None:
        self._settings = settings
        self._db = db
        self._news = news
        self._process_id = new_id()
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._running: dict[store.Turn, asyncio.Task[None]] = {}
        self._begun: dict[store.Turn, float] = {}

    def start(self) -> None:
        """Begin to look for exports to make."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Leave what is being made to the next process."""
        tasks = [task for task in (self._loop, *self._running.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look at once: there is something to do."""
        self._woken.set()

    async def _work(self) -> None:
        expired_at = 0.0
        while True:
            self._woken.clear()
            with _outliving():
                if time.monotonic() > expired_at + EXPIRE_SECONDS:
                    expired_at = time.monotonic()
                    await store.expire(self._db)
                self._begin(await store.claimable(self._db, self._settings.lease))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)

    def _begin(self, waiting: list[store.Found]) -> None:
        known = {found.turn for found in waiting} | self._running.keys()
        self._begun = {turn: at for turn, at in self._begun.items() if turn in known}
        for found in next_up(waiting, self._running.keys(), self._begun):
            self._begun[found.turn] = time.monotonic()
            self._running[found.turn] = asyncio.create_task(self._run(found))

    async def _run(self, found: store.Found) -> None:
        try:
            with _outliving():
                await self._take(found)
                self.wake()  # not after a fault: that can wait for the next look
        finally:
            del self._running[found.turn]

    async def _take(self, found: store.Found) -> None:
        who = As(found.user_id)
        async with self._db.transaction(who) as tx:
            claimed = await store.claim(tx, found, self._process_id)
        if claimed is None:
            return
        job = Job(self._db, found, self._process_id, self._settings)
        try:
            await job.make(claimed)
        except Gone:
            return
        except asyncio.CancelledError:
            async with self._db.transaction(who) as tx:
                await store.release(tx, found, self._process_id)
            raise
        except Exception as error:  # one export's failure must not stop the others
            await self._failed(found, claimed, error)
        self._news.export(who, found.id)

    async def _failed(self, found: store.Found, claimed: store.Claimed, error: Exception) -> None:
        """Say why an export failed; when the database was away, try again."""
        if isinstance(error, Unavailable) and claimed.tries < MOST_TRIES:
            raise error
        if not isinstance(error, AirunsError):
            log.error("The export %s failed", found.id, exc_info=error)
        said = error.detail if isinstance(error, AirunsError) else "A fault of the server."
        async with self._db.transaction(As(found.user_id)) as tx:
            days = self._settings.export_days
            await store.end(tx, found, self._process_id, days=days, error=said)


def next_up(
    waiting: Iterable[store.Found],
    running: Collection[store.Turn],
    begun: Mapping[store.Turn, float],
) -> list[store.Found]:
    """Return which of the waiting exports there is a place for now, beside those that are made.

    Of several it is whose turn had `begun` longest ago, or never; then which has waited longest.
    """
    chosen: list[store.Found] = []
    taken = list(running)
    for found in sorted(waiting, key=lambda found: begun.get(found.turn, 0.0)):
        turn = found.turn
        free = PLACES - sum(each.is_pdf == turn.is_pdf for each in taken)
        if free > 0 and turn not in taken:
            chosen.append(found)
            taken.append(turn)
    return chosen


@contextmanager
def _outliving() -> Generator[None]:
    """Take note of what goes wrong; whoever makes exports outlives a database that is away."""
    try:
        yield
    except Exception as error:  # whatever it is, the next look tries again
        known = isinstance(error, AirunsError)
        log.warning("Exports wait: %s", error, exc_info=None if known else error)


class Job:
    """One export while it is made."""

    def __init__(
        self, db: Database, found: store.Found, process_id: UUID, settings: Settings
    ) -> None:
        self._db = db
        self._found = found
        self._who = As(found.user_id)
        self._process_id = process_id
        self._settings = settings
        self._progress = store.Progress()
        self._said_at = 0.0
        self._position = 0

    async def make(self, claimed: store.Claimed) -> None:
        """Make the file. Raises Gone when nobody wants it any more."""
        which = msgspec.convert(claimed.which, store.Selection).which
        ready = await prepare(self._db, self._who, which, claimed.format, claimed.branches)
        self._progress.total_runs = ready.total
        await self._say()
        keeping = asyncio.create_task(self._keep())
        try:
            async with aclosing(blocks(ready, CHUNK)) as pieces:
                async for piece in pieces:
                    await self._take(piece)
        finally:
            keeping.cancel()
        await self._say()
        async with self._db.transaction(self._who) as tx:
            await store.end(
                tx,
                self._found,
                self._process_id,
                days=self._settings.export_days,
                file_name=ready.file_name,
                media_type=ready.media_type,
            )

    async def _take(self, piece: bytes | Done) -> None:
        if isinstance(piece, Done):
            self._progress.done_runs += 1
            self._progress.left_out += piece.left_out
            if time.monotonic() > self._said_at + SAY_SECONDS:
                await self._say()
        elif piece:
            self._progress.size += len(piece)
            async with self._db.transaction(self._who) as tx:
                if not await store.say(tx, self._found, self._process_id, self._progress):
                    raise Gone
                await store.add_chunk(tx, self._found, self._position, piece)
            self._position += 1

    async def _say(self) -> None:
        self._said_at = time.monotonic()
        async with self._db.transaction(self._who) as tx:
            if not await store.say(tx, self._found, self._process_id, self._progress):
                raise Gone

    async def _keep(self) -> None:
        """Say that it lives while a long document is set."""
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            with suppress(Unavailable, Gone):
                await self._say()

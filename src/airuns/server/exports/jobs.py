"""Makes exports in the background: one at a time in each server process, each from its beginning.

The file goes into the database in chunks, so that any process can send it and a dead process leaves
no file behind. Whoever makes an export says every few seconds that it lives; one that is silent for
AIRUNS_LEASE seconds loses it to another.
"""

import asyncio
import logging
import time
from contextlib import aclosing, suppress
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

    def start(self) -> None:
        """Begin to look for exports to make."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Leave what is being made to the next process."""
        if self._loop:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    def wake(self) -> None:
        """Look at once: there is something to do."""
        self._woken.set()

    async def _work(self) -> None:
        expired_at = 0.0
        while True:
            self._woken.clear()
            try:
                if time.monotonic() > expired_at + EXPIRE_SECONDS:
                    expired_at = time.monotonic()
                    await store.expire(self._db)
                for found in await store.claimable(self._db, self._settings.lease):
                    await self._take(found)
            except Exception as error:  # the loop must outlive a database that is away
                known = isinstance(error, AirunsError)
                log.warning("Exports wait: %s", error, exc_info=None if known else error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)

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

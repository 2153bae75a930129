"""An import that somebody has uploaded: it goes on when they leave, and tells how far it is."""

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from airuns.errors import AirunsError
from airuns.server.db.door import As, Database
from airuns.server.exports.bringing import Progress, import_file
from airuns.server.exports.foreign.recognising import Limits
from airuns.server.exports.report import Report
from airuns.server.news import News
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

LINES = "application/x-ndjson"
SAY_SECONDS = 0.3

_running: set[asyncio.Task[Report]] = set()


def limits_of(settings: Settings) -> Limits:
    """Return how large things in a file may be."""
    record = 3 * settings.max_attachment + settings.max_body
    return Limits(settings.max_attachment, record, settings.max_import)


class Coming:
    """One import, of the file in a folder of its own, which is removed in the end."""

    def __init__(self, db: Database, who: As, folder: Path, limits: Limits, news: News) -> None:
        self._db = db
        self._who = who
        self._folder = folder
        self._limits = limits
        self._news = news
        self._progress = Progress(0, 0)
        self._task = asyncio.create_task(self._work())
        _running.add(self._task)
        self._task.add_done_callback(_ended)

    async def _work(self) -> Report:
        try:
            path = self._folder / "file"
            return await import_file(self._db, self._who, path, self._limits, self._take)
        finally:
            self._news.runs(self._who, "import")
            await asyncio.to_thread(shutil.rmtree, self._folder)

    def _take(self, progress: Progress) -> None:
        self._progress = progress

    async def report(self) -> Report:
        """Wait for its end. Raises what stopped it; the import goes on when the caller leaves."""
        return await asyncio.shield(self._task)

    async def lines(self) -> AsyncGenerator[bytes]:
        """Yield how far it is, as lines of JSON; the last one has the report or an error."""
        while not self._task.done():
            yield msgspec.json.encode(self._progress) + b"\n"
            await asyncio.wait([self._task], timeout=SAY_SECONDS)
        try:
            said = {"report": await self.report()}
        except AirunsError as error:
            said = {"error": error.detail}
        except Exception:  # it is in the log; here nobody would see it
            said = {"error": "A fault of the server. Import the file again: nothing comes twice."}
        yield msgspec.json.encode(said) + b"\n"


def _ended(task: asyncio.Task[Report]) -> None:
    """Take note of a fault, also of an import that nobody waits for any more."""
    _running.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, AirunsError):
        log.error("An import failed", exc_info=error)

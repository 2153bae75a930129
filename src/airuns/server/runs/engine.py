"""The engine: tasks belong to the server, and viewers only watch.

A task is stored with its question before its model is called. While it runs, each piece goes to the
journal, then to the feed; every half second the texts of all running tasks are saved in one
statement; at the end the answer is saved and only then said to have ended. A task whose process has
died is found by the next one, or by another, and ends as interrupted with all that was shown.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import psycopg

from airuns.errors import NotFound, TooManyRequests, Unavailable
from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.ids import new_id
from airuns.server.models import catalog, prices
from airuns.server.models import store as models
from airuns.server.models.local import LocalModel
from airuns.server.models.vault import Vault
from airuns.server.runs import results, tasks
from airuns.server.runs.execution import INTERRUPTED, Execution
from airuns.server.runs.feed import Event, Feed, delta
from airuns.server.runs.journal import Journal
from airuns.server.runs.records import Task, TaskEnd
from airuns.server.runs.recovery import recover
from airuns.server.runs.rules import ENDED
from airuns.server.runs.submission import Reach, Ready, Submission, place, place_again, untracked
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
SAVE_SECONDS = 5.0
POLL_SECONDS = 0.5

Watch = Callable[[As, UUID | None, Event], None]
Placing = Callable[[Transaction, Reach], Awaitable[Ready]]


class Joined(msgspec.Struct, frozen=True):
    """A task and its events, from where the viewer wants them to its last."""

    task_id: UUID
    run_id: UUID | None
    events: AsyncGenerator[Event]


class Engine:
    """Runs the tasks of one process. `watch` hears each event of each of them, as it happens."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        http: aiohttp.ClientSession,
        local: LocalModel | None,
        watch: Watch,
    ) -> None:
        self.process_id = new_id()
        self._settings = settings
        self._db = db
        self._http = http
        self._local = local
        self._watch = watch
        self._vault = Vault.open(settings)
        self._running: dict[tuple[UUID, UUID], Execution] = {}
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take the place of dead processes and begin to work."""
        self._journal = Journal(self._settings.data_dir, self.process_id)
        await self._keep_alive()
        self._loops = [
            asyncio.create_task(_every(FLUSH_SECONDS, self._flush)),
            asyncio.create_task(_every(self._settings.lease / 4, self._keep_alive)),
            asyncio.create_task(asyncio.to_thread(prices.warm)),
        ]

    async def stop(self) -> None:
        """Take no new tasks, give the running ones their grace, then interrupt them."""
        self._stopping = True
        handles = [each.handle for each in self._running.values() if each.handle]
        if handles:
            _, late = await asyncio.wait(handles, timeout=self._settings.shutdown_grace)
            for execution in self._running.values():
                execution.stop("interrupted")
            if late:
                await asyncio.wait(late, timeout=SAVE_SECONDS)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        with suppress(Unavailable):
            await tasks.left(self._db, self.process_id)
        self._journal.close()

    async def submit(self, who: As, asked: Submission, *, track: bool = True) -> Joined:
        """Store a submission and call its model.

        A submission whose task exists joins that task: sending it again is always safe.
        Raises NotFound, InvalidInput, Conflict, TooManyRequests or Unavailable.
        """
        if not track:
            self._refuse_when_full()
            async with self._db.transaction(who) as tx:
                ready = await untracked(tx, who.user_id, asked, await self._reach(tx, who))
            return self._begin(who, ready)

        async def placing(tx: Transaction, reach: Reach) -> Ready:
            return await place(tx, who.user_id, asked, reach, self.process_id)

        return await self._submit(who, asked.task_id, placing)

    async def retry(self, who: As, task_id: UUID, asked: Submission) -> Joined:
        """Call a task's model again with the same request; the new answer becomes a sibling.

        Raises NotFound, Conflict (it still runs), InvalidInput, TooManyRequests or Unavailable.
        """

        async def placing(tx: Transaction, reach: Reach) -> Ready:
            task = await tasks.get(tx, who.user_id, task_id)
            return await place_again(tx, who.user_id, task, asked, reach, self.process_id)

        return await self._submit(who, asked.task_id, placing)

    async def join(self, who: As, task_id: UUID, offset: int = 0) -> Joined:
        """Follow a task from `offset` characters of its text on. Raises NotFound."""
        execution = self._running.get((who.user_id, task_id))
        if execution is not None:
            return Joined(task_id, execution.run_id, execution.feed.follow(offset))
        async with self._db.transaction(who) as tx:
            task = await tasks.get(tx, who.user_id, task_id)
        return Joined(task_id, task.run_id, self._stored_events(who, task, offset))

    async def cancel(self, who: As, task_id: UUID) -> None:
        """Stop a task, wherever it runs, and wait until it has ended. What came is kept.

        An ended task stays as it is. Raises NotFound.
        """
        execution = self._running.get((who.user_id, task_id))
        if execution is not None:
            execution.stop("cancelled")
        else:
            await self._cancel_stored(who, task_id)
        async with aclosing((await self.join(who, task_id)).events) as events:
            async for _ in events:
                pass

    def progress(self, who: As, task_id: UUID) -> Feed | None:
        """Return the feed of a task that runs here; the database is a moment behind it."""
        execution = self._running.get((who.user_id, task_id))
        return execution.feed if execution else None

    async def _submit(self, who: As, task_id: UUID, placing: Placing) -> Joined:
        self._refuse_when_full()

        @retried
        async def store() -> Ready | None:
            async with self._db.transaction(who) as tx:
                if await tasks.find(tx, who.user_id, task_id):
                    return None
                return await placing(tx, await self._reach(tx, who))

        try:
            ready = await store()
        except psycopg.errors.UniqueViolation:  # the same submission won a race
            ready = None
        return self._begin(who, ready) if ready else await self.join(who, task_id)

    def _refuse_when_full(self) -> None:
        if self._stopping:
            raise Unavailable("The server is shutting down; try again in a moment.")
        if len(self._running) >= self._settings.max_running:
            raise TooManyRequests(
                f"{len(self._running)} answers are being written, and AIRUNS_MAX_RUNNING "
                "allows no more.",
                retry_after=1,
            )

    async def _reach(self, tx: Transaction, who: As) -> Reach:
        stored = await models.providers(tx, who.user_id, self._vault)
        endpoints = catalog.endpoints(self._settings, stored, self._local)
        return Reach(endpoints, f"local/{self._local.model}" if self._local else None)

    def _begin(self, who: As, ready: Ready) -> Joined:
        key = who.user_id, ready.task_id
        execution = Execution(
            user_id=who.user_id,
            task_id=ready.task_id,
            run_id=ready.run_id,
            call=ready.call,
            own_price=ready.own_price,
            page=self._journal.page(*key) if ready.run_id else None,
            on_event=partial(self._watch, who, ready.run_id),
        )
        self._running[key] = execution
        execution.feed.add("task.started", results.started(execution))
        execution.handle = asyncio.create_task(self._live(who, execution))
        return Joined(ready.task_id, ready.run_id, execution.feed.follow())

    async def _live(self, who: As, execution: Execution) -> None:
        """Run a task to its end, which is saved before it is said."""
        event: tuple[str, dict[str, Any]] = "task.error", {"response_errors": INTERRUPTED}
        try:
            ending = await execution.run(self._http, self._settings)
            result = results.of_end(execution, ending)
            if execution.page is not None:
                result = await self._save(who, execution.task_id, ending) or result
                execution.page.discard()
            event = result.event
        except Exception:  # a defect of ours must not leave viewers waiting for ever
            log.exception("Task %s could not be ended", execution.task_id)
        finally:
            del self._running[who.user_id, execution.task_id]
            execution.feed.add(*event)

    async def _save(self, who: As, task_id: UUID, ending: TaskEnd) -> results.Result | None:
        """Save how a task ended, however long the database is away.

        Returns how it had ended already, if somebody else ended it.
        """

        @retried
        async def save() -> results.Result | None:
            async with self._db.transaction(who) as tx:
                if await tasks.end(tx, who.user_id, task_id, ending):
                    return None
                return results.of_task(await tasks.get(tx, who.user_id, task_id))

        while True:
            try:
                return await save()
            except NotFound:  # the run was purged meanwhile
                return None
            except Unavailable:
                await asyncio.sleep(FLUSH_SECONDS)

    async def _flush(self) -> None:
        tracked = [each for each in self._running.values() if each.page is not None]
        due = [(each, each.feed.length) for each in tracked if each.feed.length > each.saved]
        if due:
            await tasks.flush(self._db, [_piece(execution) for execution, _ in due])
        for execution, length in due:
            execution.saved = length
        if tracked:
            for asked in await tasks.cancels_asked(self._db, self.process_id):
                if execution := self._running.get((asked.user_id, asked.task_id)):
                    execution.stop("cancelled")

    async def _keep_alive(self) -> None:
        await tasks.seen(self._db, self.process_id, self._settings.lease)
        await recover(self._db, self._settings, self.process_id)

    async def _cancel_stored(self, who: As, task_id: UUID) -> None:
        async with self._db.transaction(who) as tx:
            task = await tasks.get(tx, who.user_id, task_id)
            if task.process_id is None:
                ending = TaskEnd(status="cancelled", response_text=task.response_text)
                await tasks.end(tx, who.user_id, task_id, ending)
            else:
                await tasks.ask_cancel(tx, who.user_id, task_id)

    async def _stored_events(self, who: As, task: Task, offset: int) -> AsyncGenerator[Event]:
        """Follow a task that does not run in this process: by what the database has of it."""
        if offset == 0:
            yield Event("task.started", results.started_before(task), 0)
        while True:
            if len(task.response_text) > offset:
                text = task.response_text[offset:]
                yield delta(task.task_id, offset, text)
                offset += len(text)
            if task.status in ENDED:
                name, data = results.of_task(task).event
                yield Event(name, data, offset)
                return
            await asyncio.sleep(POLL_SECONDS)
            async with self._db.transaction(who) as tx:
                task = await tasks.get(tx, who.user_id, task.task_id)


def _piece(execution: Execution) -> tasks.Piece:
    text = execution.feed.text_from(execution.saved)
    return tasks.Piece(execution.user_id, execution.task_id, execution.saved, text)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do a piece of upkeep again and again; it must outlive the database's absences."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Unavailable as error:
            log.warning("%s: %s", work.__name__, error.detail)
        except Exception:
            log.exception("%s failed; trying again in %s s", work.__name__, seconds)

"""The engine: tasks belong to the server, and viewers only watch.

A task is stored with its question before its model is called. While it runs, each piece goes to the
journal, then to the feed; every half second the texts of all running tasks are saved in one
statement; at the end the answer is saved and only then said to have ended. A task whose process has
died is found by the next one, or by another, and ends as interrupted with all that was shown.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import psycopg

from airuns.errors import Conflict, Forbidden, NotFound, TooManyRequests, Unavailable
from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.ids import new_id
from airuns.server.models import catalog, prices
from airuns.server.models import store as models
from airuns.server.models.local import LocalModel
from airuns.server.models.vault import Vault
from airuns.server.runs import results, tasks
from airuns.server.runs.execution import Execution
from airuns.server.runs.feed import PING, PING_SECONDS, STARTED, Event, Feed, delta
from airuns.server.runs.journal import Journal, Page, read_page
from airuns.server.runs.records import Task, TaskEnd
from airuns.server.runs.recovery import interrupt, recover
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
        self.is_stopping = False
        self._seen_at = self._connected_since = time.monotonic()
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
        self.is_stopping = True
        await _wait(self._handles(), self._settings.shutdown_grace)
        for execution in list(self._running.values()):
            execution.stop("interrupted")
        await _wait(self._handles(), SAVE_SECONDS)
        for handle in self._handles():  # the database is away: the journal keeps what came
            handle.cancel()
        await _wait(self._handles(), SAVE_SECONDS)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        with suppress(Unavailable):
            await tasks.left(self._db, self.process_id)
        self._journal.close()

    def _handles(self) -> list[asyncio.Task[None]]:
        return [each.handle for each in self._running.values() if each.handle]

    async def submit(self, who: As, asked: Submission, *, track: bool = True) -> Joined:
        """Store a submission and call its model.

        A submission whose task exists joins that task: sending it again is always safe.
        Raises NotFound, InvalidInput, Conflict, TooManyRequests or Unavailable.
        """
        if self._here(who, asked.task_id):
            return await self.join(who, asked.task_id)
        if not track:
            self._refuse_when_full()
            async with self._db.transaction(who) as tx:
                ready = await untracked(tx, who, asked, await self._reach(tx, who))
            return self._begin(who, ready)

        async def placing(tx: Transaction, reach: Reach) -> Ready:
            return await place(tx, who, asked, reach, self.process_id)

        return await self._submit(who, asked.task_id, placing)

    async def retry(self, who: As, task_id: UUID, asked: Submission) -> Joined:
        """Call a task's model again with the same request; the new answer becomes a sibling.

        Raises NotFound, Conflict (it still runs), InvalidInput, TooManyRequests or Unavailable.
        """

        async def placing(tx: Transaction, reach: Reach) -> Ready:
            task = await tasks.get(tx, who.user_id, task_id)
            return await place_again(tx, who, task, asked, reach, self.process_id)

        return await self._submit(who, asked.task_id, placing)

    async def join(self, who: As, task_id: UUID, offset: int = 0) -> Joined:
        """Follow a task from `offset` characters of its text on. Raises NotFound."""
        execution = self._here(who, task_id)
        if execution is not None:
            return Joined(task_id, execution.run_id, execution.feed.follow(offset))
        async with self._db.transaction(who) as tx:
            task = await tasks.get(tx, who.user_id, task_id)
        return Joined(task_id, task.run_id, self._stored_events(who, task, offset))

    async def cancel(self, who: As, task_id: UUID) -> dict[str, Any]:
        """Stop a task, wherever it runs, wait until it has ended, and return its result.

        What came is kept. An ended task stays as it is. Raises NotFound, or Forbidden under a grant
        to read.
        """
        if who.access != "write":
            raise Forbidden("You may read this run, not stop its tasks.")
        joined = await self.join(who, task_id)
        if execution := self._here(who, task_id):
            execution.stop("cancelled")
        else:
            await self._cancel_stored(who, task_id)
        return await last(joined.events)

    async def cancel_all(self, who: As, task_ids: list[UUID]) -> None:
        """Stop tasks, but for those that are gone, and wait until all have ended."""
        stopped = (self.cancel(who, task_id) for task_id in task_ids)
        for each in await asyncio.gather(*stopped, return_exceptions=True):
            if isinstance(each, BaseException) and not isinstance(each, NotFound):
                raise each

    def progress(self, who: As, task_id: UUID) -> Feed | None:
        """Return the feed of a task that runs here; the database is a moment behind it."""
        execution = self._here(who, task_id)
        return execution.feed if execution else None

    def _here(self, who: As, task_id: UUID) -> Execution | None:
        """Return a task that runs in this process, if it exists for `who`."""
        execution = self._running.get((who.user_id, task_id))
        if execution is None or who.run_id not in (None, execution.run_id):
            return None
        return execution

    async def _submit(self, who: As, task_id: UUID, placing: Placing) -> Joined:
        self._refuse_when_full()

        @retried
        async def place_once() -> Ready | None:
            async with self._db.transaction(who) as tx:
                found = await tasks.find(tx, who.user_id, task_id)
                if found is None:
                    return await placing(tx, await self._reach(tx, who))
            if found.process_id is None and found.completed_at is None:
                raise Conflict(
                    "The task is a call of your own: complete it, or take another task_id.",
                    field="task_id",
                )
            return None

        try:
            ready = await place_once()
        except psycopg.errors.UniqueViolation:  # the same submission won a race
            ready = None
        return self._begin(who, ready) if ready else await self.join(who, task_id)

    def _refuse_when_full(self) -> None:
        if self.is_stopping:
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
        if key in self._running:  # two untracked calls with one id, at once
            raise Conflict("A task with this id is running.", field="task_id")
        execution = Execution(
            user_id=who.user_id,
            task_id=ready.task_id,
            run_id=ready.run_id,
            call=ready.call,
            own_price=ready.own_price,
            page=self._page(*key) if ready.run_id else None,
            on_event=partial(self._watch, who, ready.run_id),
        )
        self._running[key] = execution
        execution.feed.add(STARTED, results.started(execution))
        execution.handle = asyncio.create_task(self._live(who, execution))
        return Joined(ready.task_id, ready.run_id, execution.feed.follow())

    def _page(self, user_id: UUID, task_id: UUID) -> Page:
        try:
            return self._journal.page(user_id, task_id)
        except OSError as error:  # no file descriptor or no room left: go on with less safety
            log.error("The journal cannot be written: %s", error)
            return Page(None)

    async def _live(self, who: As, execution: Execution) -> None:
        """Run a task to its end, which is saved before it is said."""
        ending = execution.failed_by_us()
        try:
            ending = await execution.run(self._http, self._settings)
            result = await self._keep(who, execution, ending)
        except Exception:  # a defect of ours must not leave viewers waiting, nor the text behind
            log.exception("Task %s could not be ended as it was", execution.task_id)
            ending = execution.failed_by_us()
            with suppress(psycopg.Error):  # what is lost here is found again by _keep_alive
                await self._keep(who, execution, ending)
            result = results.of_end(execution, ending)
        except asyncio.CancelledError:  # the server stops while the database is away
            result = results.of_end(execution, ending)
        finally:
            if execution.page is not None:
                execution.page.close()
            self._running.pop((who.user_id, execution.task_id), None)
        execution.feed.add(*result.event)

    async def _keep(self, who: As, execution: Execution, ending: TaskEnd) -> results.Result:
        """Save how a task ended; return that, or how it had ended already."""
        result = results.of_end(execution, ending)
        if execution.page is None:
            return result
        before = await self._save(who, execution.task_id, ending)
        execution.page.discard()
        return before or result

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
        """Say that this process lives, and end what dead ones left.

        After a time without the database everybody looks silent, so that silence counts only once
        this process has itself been seen for a whole lease.
        """
        lease = self._settings.lease
        await tasks.seen(self._db, self.process_id, lease)
        now = time.monotonic()
        if now - self._seen_at > lease / 2:
            self._connected_since = now
        self._seen_at = now
        by_silence = now - self._connected_since > lease
        await recover(self._db, self._settings, self.process_id, by_silence=by_silence)
        await self._reconcile()

    async def _reconcile(self) -> None:
        """Make what runs here and what the database says runs here the same again."""
        stored = await tasks.of_process(self._db, self.process_id)
        for key, is_settled in stored.items():
            if is_settled and (key.user_id, key.task_id) not in self._running:
                shown = read_page(self._settings.data_dir, self.process_id, *_pair(key))
                await interrupt(self._db, key, shown)
        for execution in list(self._running.values()):
            key = tasks.TaskKey(execution.user_id, execution.task_id)
            if execution.page is not None and execution.is_settled and key not in stored:
                execution.stop("interrupted")  # another process took this one for dead

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
            yield Event(STARTED, results.started_before(task), 0)
        pinged = time.monotonic()
        while True:
            async with self._db.transaction(who) as tx:
                text, has_ended = await tasks.tail(tx, who.user_id, task.task_id, offset)
                if has_ended:
                    task = await tasks.find(tx, who.user_id, task.task_id) or task
            if text:
                yield delta(task.task_id, offset, text)
                offset += len(text)
            if has_ended:
                name, data = results.of_task(task).event
                yield Event(name, data, offset)
                return
            if time.monotonic() - pinged > PING_SECONDS:
                pinged = time.monotonic()
                yield Event(PING, {}, offset)
            await asyncio.sleep(POLL_SECONDS)


async def last(events: AsyncGenerator[Event]) -> dict[str, Any]:
    """Wait for a task's end and return what its last event says."""
    data: dict[str, Any] = {}
    async with aclosing(events):
        async for event in events:
            data = event.data
    return data


async def _wait(handles: list[asyncio.Task[None]], seconds: float) -> None:
    if handles:
        await asyncio.wait(handles, timeout=seconds)


def _pair(key: tasks.TaskKey) -> tuple[UUID, UUID]:
    return key.user_id, key.task_id


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

"""The Socket.IO channel: submit, cancel and follow tasks; the ids are those of the database.

A client connects with a session cookie or with auth={"key": "air_…"}, and calls

    task:submit  {…as POST /api/prompt/run…}   → {run_id, task_id}; it is in the run's room then
    task:cancel  {task_id}                     → {task_id, status}
    run:join     {run_id}                      → {run_id, tasks: [{task_id, status, text}]}
    run:leave    {run_id}                      → {run_id}

or gets {error: problem document} back. A room hears the events of its run's tasks (feed.py). A
client that finds a gap in the offsets joins the room again: the answer has each text so far.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import socketio  # pyright: ignore[reportMissingTypeStubs]  # it has none
from litestar.datastructures import State
from socketio import exceptions  # pyright: ignore[reportMissingTypeStubs]  # it has none

from airuns.errors import AirunsError, InvalidInput
from airuns.server import money, problems
from airuns.server.db.door import As
from airuns.server.runs import store, tasks
from airuns.server.runs.api.execute import Execute
from airuns.server.runs.feed import PING, Event

log = logging.getLogger(__name__)

T = TypeVar("T", bound=msgspec.Struct)
Answer = dict[str, Any]


class TaskRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a task."""

    task_id: UUID


class RunRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a run."""

    run_id: UUID


class _Json:
    """msgspec in the place of the json module, because events hold UUIDs, times and Decimals."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return money.encode(value).decode()

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        return msgspec.json.decode(text)


class Live:
    """The channel of one process."""

    def __init__(self, state: State) -> None:
        self.server: Any = socketio.AsyncServer(async_mode="asgi", json=_Json)
        self._state = state
        self._events: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self.server.on("connect", self._connect)
        self._on("task:submit", Execute, self._submit)
        self._on("task:cancel", TaskRef, self._cancel)
        self._on("run:join", RunRef, self._join)
        self._on("run:leave", RunRef, self._leave)

    def start(self) -> None:
        """Begin to hand events on."""
        self._pump = asyncio.create_task(self._hand_on())

    async def stop(self) -> None:
        """Hand on what is left and close every connection."""
        if self._pump is not None:
            await self._events.join()
            self._pump.cancel()
        await self.server.shutdown()

    def tell(self, who: As, run_id: UUID | None, event: Event) -> None:
        """Hand an event of a task on to whoever is in its room."""
        if event.name != PING:
            room = _room(who, run_id or event.data["task_id"])
            self._events.put_nowait((room, event))

    async def _hand_on(self) -> None:
        while True:
            room, event = await self._events.get()
            try:
                if room in self.server.manager.rooms.get("/", {}):
                    await self.server.emit(event.name, event.data, room=room)
            except Exception:  # one event's failure must not silence the others
                log.exception("Could not hand on %s", event.name)
            finally:
                self._events.task_done()

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        try:
            identity = await self._state.guard.of_socket(environ, auth)
        except AirunsError as error:
            raise exceptions.ConnectionRefusedError(error.detail) from None
        await self.server.save_session(sid, {"who": identity.who})

    def _on(
        self, name: str, kind: type[T], handle: Callable[[str, As, T], Awaitable[Answer]]
    ) -> None:
        async def handler(sid: str, data: Any = None) -> Answer:
            who: As = (await self.server.get_session(sid))["who"]
            try:
                return await handle(sid, who, _read(data, kind))
            except Exception as error:  # each is answered as its HTTP request would be
                return {"error": problems.of(error, f"socket {name}")}

        self.server.on(name, handler)

    async def _submit(self, sid: str, who: As, data: Execute) -> Answer:
        joined = await self._state.engine.submit(
            who, data.submission(self._state.settings), track=data.track
        )
        await self.server.enter_room(sid, _room(who, joined.run_id or joined.task_id))
        return {"run_id": joined.run_id, "task_id": joined.task_id}

    async def _cancel(self, _: str, who: As, data: TaskRef) -> Answer:
        await self._state.engine.cancel(who, data.task_id)
        async with self._state.db.transaction(who) as tx:
            task = await tasks.get(tx, who.user_id, data.task_id)
        return {"task_id": task.task_id, "status": task.status}

    async def _join(self, sid: str, who: As, data: RunRef) -> Answer:
        async with self._state.db.transaction(who) as tx:
            await store.get(tx, who.user_id, data.run_id)
            running = await tasks.running_in(tx, who.user_id, data.run_id)
        await self.server.enter_room(sid, _room(who, data.run_id))
        return {"run_id": data.run_id, "tasks": [self._so_far(who, each) for each in running]}

    async def _leave(self, sid: str, who: As, data: RunRef) -> Answer:
        await self.server.leave_room(sid, _room(who, data.run_id))
        return {"run_id": data.run_id}

    def _so_far(self, who: As, task_id: UUID) -> Answer:
        feed = self._state.engine.progress(who, task_id)
        text = feed.text if feed else ""
        return {"task_id": task_id, "status": "streaming" if text else "pending", "text": text}


def _read(data: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(data or {}, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = path.strip("`.") or "body"
        raise InvalidInput(f"{field}: {message}", field=field) from None


def _room(who: As, of: UUID) -> str:
    return f"{who.user_id}:{of}"

"""The Socket.IO channel: submit, cancel and follow tasks; the ids are those of the database.

A client connects with a session cookie or with auth={"key": "air_…"}, and calls

    task:submit  {…as POST /api/prompt/run…}   → {run_id, task_id, status}; it is in the room then
    task:cancel  {task_id}                     → the task's result
    run:join     {run_id}                      → {run_id, tasks: [{task_id, status, text}]}
    run:leave    {run_id}                      → {run_id}

or gets {error: problem document} back. It hears run.changed and runs.changed of all of its user's
runs (news.py). A room hears the events of its run's tasks (feed.py). A
client that finds a gap in the offsets joins the room again: the answer has each text so far.
A connection lasts as long as what authenticated it: once the key is revoked or the session has
ended, it is closed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import socketio  # pyright: ignore[reportMissingTypeStubs]  # it has none
from litestar.datastructures import State
from socketio import exceptions  # pyright: ignore[reportMissingTypeStubs]  # it has none

from airuns.errors import AirunsError, Unauthenticated, Unavailable
from airuns.server import money, problems
from airuns.server.db.door import As
from airuns.server.expected import invalid
from airuns.server.news import News
from airuns.server.runs import lists, store, tasks
from airuns.server.runs.api.execute import Execute
from airuns.server.runs.feed import DELTA, FINAL, PING, STARTED, Event, Feed

log = logging.getLogger(__name__)

T = TypeVar("T", bound=msgspec.Struct)
Answer = dict[str, Any]
Told = tuple[str, str, dict[str, Any]]  # the room, the name of the event, its data

SWEEP_SECONDS = 30.0
MOST_AT_ONCE = 500
CLOSING_SECONDS = 1.0


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
        self.server: Any = socketio.AsyncServer(
            async_mode="asgi", json=_Json, max_http_buffer_size=state.settings.max_body
        )
        self._state = state
        self._events: asyncio.Queue[Told] = asyncio.Queue()
        self._loops: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.news = News(self._say)
        self.server.on("connect", self._connect)
        self._on("task:submit", Execute, self._submit)
        self._on("task:cancel", TaskRef, self._cancel)
        self._on("run:join", RunRef, self._join)
        self._on("run:leave", RunRef, self._leave)

    def start(self) -> None:
        """Begin to hand events on, and to close what nobody may listen to any more."""
        self._loops = [asyncio.create_task(self._hand_on()), asyncio.create_task(self._sweep())]

    async def stop(self) -> None:
        """Hand on what is left and close every connection."""
        if self._loops:
            await self._events.join()
        for loop in self._loops:
            loop.cancel()
        await self._close_all()
        await self.server.shutdown()

    async def _close_all(self) -> None:
        """Close what is open, which would keep the server up; who has just left hears nothing."""
        sockets = list(self.server.eio.sockets.values())
        for socket in sockets:
            await socket.close(wait=False)
        if written := [asyncio.create_task(socket.queue.join()) for socket in sockets]:
            _, unheard = await asyncio.wait(written, timeout=CLOSING_SECONDS)
            for task in unheard:
                task.cancel()

    def tell(self, who: As, run_id: UUID | None, event: Event) -> None:
        """Hand an event of a task on to whoever is in its room."""
        if event.name != PING:
            room = _room(who, run_id or event.data["task_id"])
            self._events.put_nowait((room, event.name, event.data))
        if run_id and event.name == STARTED:
            self.news.run(who, run_id, "started")
        elif run_id and event.name in FINAL:
            self.news.run(who, run_id, "ended")

    def _say(self, who: As, name: str, data: dict[str, Any]) -> None:
        self._events.put_nowait((_room(who, who.user_id), name, data))

    async def _hand_on(self) -> None:
        while True:
            waiting = [await self._events.get()]
            while not self._events.empty() and len(waiting) < MOST_AT_ONCE:
                waiting.append(self._events.get_nowait())
            for room, name, data in merged(waiting):
                try:
                    if room in self.server.manager.rooms.get("/", {}):
                        await self.server.emit(name, data, room=room)
                except Exception:  # one event's failure must not silence the others
                    log.exception("Could not hand on %s", name)
            for _ in waiting:
                self._events.task_done()

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        try:
            proof = await self._state.guard.of_socket(environ, auth)
            await self.server.save_session(sid, {"proof": proof})
            who = await self._who(sid)
        except AirunsError as error:
            raise exceptions.ConnectionRefusedError(error.detail) from None
        await self.server.enter_room(sid, _room(who, who.user_id))
        mark = self.news.mark(who.user_id)
        given = cast("dict[str, Any]", auth) if isinstance(auth, dict) else {}
        if given.get("mark", mark) != mark:
            missed = {"change_id": None, "action": "missed", "mark": mark}
            self._events.put_nowait((sid, "runs.changed", missed))

    async def _who(self, sid: str) -> As:
        """Return whose connection it is. Raises Unauthenticated when it is nobody's any more."""
        session = await self.server.get_session(sid)
        return (await self._state.guard.check(session["proof"])).who

    async def _sweep(self) -> None:
        """Close the connections of those who send nothing, once nobody may listen there."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for sid, _ in list(self.server.manager.get_participants("/", None)):
                try:
                    await self._who(sid)
                except Unauthenticated:
                    self._close(sid)
                except (KeyError, Unavailable):  # it comes or goes just now; or the database does
                    continue
                except Exception:  # one connection's failure must not keep the others open
                    log.exception("Could not check a connection")

    def _close(self, sid: str) -> None:
        """Close a connection, after what is being said to it."""
        closing = asyncio.create_task(self.server.disconnect(sid))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _on(
        self, name: str, kind: type[T], handle: Callable[[str, As, T], Awaitable[Answer]]
    ) -> None:
        async def handler(sid: str, data: Any = None, *_: Any) -> Answer:
            try:
                return await handle(sid, await self._who(sid), _read(data, kind))
            except Exception as error:  # each is answered as its HTTP request would be
                if isinstance(error, Unauthenticated):
                    self._close(sid)
                return {"error": problems.of(error, f"socket {name}")}

        self.server.on(name, handler)

    async def _submit(self, sid: str, who: As, data: Execute) -> Answer:
        joined = await self._state.engine.submit(
            who, data.submission(self._state.settings), track=data.track
        )
        await self.server.enter_room(sid, _room(who, joined.run_id or joined.task_id))
        status = await self._status(who, joined.task_id)
        return {"run_id": joined.run_id, "task_id": joined.task_id, "status": status}

    async def _status(self, who: As, task_id: UUID) -> str:
        """Return how a task stands: one that was sent again may have ended, and is silent then."""
        feed = self._state.engine.progress(who, task_id)
        if feed is not None:
            return "streaming" if feed.length else "pending"
        async with self._state.db.transaction(who) as tx:
            return (await tasks.get(tx, who.user_id, task_id)).status

    async def _cancel(self, _: str, who: As, data: TaskRef) -> Answer:
        return await self._state.engine.cancel(who, data.task_id)

    async def _join(self, sid: str, who: As, data: RunRef) -> Answer:
        async with self._state.db.transaction(who) as tx:
            await store.get(tx, who.user_id, data.run_id)
            # The room first: a task that ends now is either not read, or its end is heard.
            await self.server.enter_room(sid, _room(who, data.run_id))
            running = await lists.running_of(tx, who.user_id, data.run_id)
        return {"run_id": data.run_id, "tasks": [self._so_far(who, each) for each in running]}

    async def _leave(self, sid: str, who: As, data: RunRef) -> Answer:
        await self.server.leave_room(sid, _room(who, data.run_id))
        return {"run_id": data.run_id}

    def _so_far(self, who: As, task: lists.RunningTask) -> Answer:
        feed: Feed | None = self._state.engine.progress(who, task.task_id)
        text = max(feed.text if feed else "", task.response_text, key=len)
        status = "streaming" if text else task.status
        return {"task_id": task.task_id, "status": status, "text": text}


def merged(waiting: list[Told]) -> list[Told]:
    """Return events with the pieces of a text that follow one another joined.

    So that a channel that has fallen behind a fast model catches up with few and longer pieces.
    """
    told: list[Told] = []
    last_in: dict[str, int] = {}
    for room, name, data in waiting:
        at = last_in.get(room, -1)
        if at >= 0 and name == told[at][1] == DELTA and _follows(told[at][2], data):
            data = {**told[at][2], "text": told[at][2]["text"] + data["text"]}
            told[at] = (room, name, data)
        else:
            last_in[room] = len(told)
            told.append((room, name, data))
    return told


def _follows(piece: dict[str, Any], following: dict[str, Any]) -> bool:
    return (
        piece["task_id"] == following["task_id"]
        and piece["offset"] + len(piece["text"]) == following["offset"]
    )


def _read(data: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(data or {}, kind)
    except msgspec.ValidationError as error:
        raise invalid(error, kind) from None


def _room(who: As, of: UUID) -> str:
    return f"{who.user_id}:{of}"

"""The gateway's ASGI application: what is below /v1/, before everything else.

It is in front of the framework, so that a call costs only what it needs.
"""

import asyncio
import logging
from collections import Counter
from typing import Any, cast
from urllib.parse import unquote
from uuid import uuid4

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp

from airuns.errors import AirunsError, NotFound, StartError, TooLarge, Unavailable
from airuns.server.db.door import Database
from airuns.server.gateway import calls, headers, listing
from airuns.server.gateway.callers import Caller, Callers
from airuns.server.gateway.client import Client
from airuns.server.gateway.conversations import Conversations
from airuns.server.gateway.passing import Passing
from airuns.server.gateway.protocols import Dialect, dialect_of, failure, refusal
from airuns.server.gateway.recording import Recording
from airuns.server.ids import new_id
from airuns.server.metrics import Metric
from airuns.server.recorder.recorder import Recorder
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

PREFIX = "/v1/"
ELSEWHERE = frozenset({"/v1/traces"})
"""Paths below /v1/ that are not the gateway's."""


class Gateway:
    """The gateway of one process, in front of `elsewhere`, which gets all other requests."""

    def __init__(self, state: State, elsewhere: ASGIApp) -> None:
        settings: Settings = state.settings
        self._settings = settings
        self._db: Database = state.db
        self._recorder: Recorder = state.recorder
        self._elsewhere = elsewhere
        self._callers = Callers(settings, state.db, state.guard, state.local)
        self._models = listing.Models(state.db, state.local)
        self._passing: Passing | None = None
        self._recording: Recording | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._statuses: Counter[int] = Counter()
        if settings.client_gone not in calls.GONE:
            raise StartError("AIRUNS_CLIENT_GONE must be drain or stop.")

    @property
    def litestar(self) -> Litestar:
        """The application behind the gateway and Socket.IO."""
        return cast("Any", self._elsewhere).other_asgi_app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(PREFIX) and path not in ELSEWHERE:
            await self._serve(scope, receive, send)
        else:
            await self._elsewhere(scope, receive, send)

    def start(self) -> None:
        """Begin to serve, and to record what was passed through, now and formerly."""
        recording = Recording(self._settings.data_dir, new_id(), self._recorder.take, self._db)
        self._conversations = Conversations(self._db)
        self._passing = Passing(self._settings, recording, self._conversations.answered)
        self._recording = recording
        recording.start()

    async def stop(self) -> None:
        """Take no more calls, give the running ones some time, and record what has come."""
        passing, self._passing = self._passing, None
        if self._running:
            await asyncio.wait(self._running, timeout=self._settings.shutdown_grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=1)
        if passing and self._recording:
            await passing.close()
            await self._recording.stop()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        given = headers.read(scope["headers"])
        path = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0] or scope["path"]
        dialect = dialect_of(path, says_anthropic=given.says_anthropic)
        gone = given.ours.get("on-disconnect", self._settings.client_gone)
        client = Client(receive, send, self._settings.drain_seconds if gone == "drain" else None)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            status = await self._answer(scope, path, given, dialect, client, receive)
        except AirunsError as error:
            status = error.status
            await client.refuse(refusal(dialect, error), [])
        except Exception:
            if client.started:  # the client has to see that its answer was cut
                raise
            reference = uuid4().hex[:12]
            log.exception("%s failed, reference %s", path, reference)
            said = f"This is a fault of the server. Quote {reference} to whoever runs it."
            status = 500
            await client.refuse(failure(dialect, 500, said), [])
        finally:
            client.done()
            self._running.discard(task)
        self._statuses[status // 100] += 1

    async def _answer(
        self,
        scope: Any,
        path: str,
        given: headers.Given,
        dialect: Dialect,
        client: Client,
        receive: Any,
    ) -> int:
        _check(path)
        if self._passing is None:
            raise Unavailable("The server is starting or stopping; try again.")
        caller = await self._callers.caller(given.key)
        method = scope["method"]
        if method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
            return await self._show_models(path, caller, given, client)
        most = self._settings.max_body
        body = await _body(receive, most)
        client.watch()
        target = (method, path, scope["query_string"].decode("latin-1"))
        default = self._settings.default_provider
        call = calls.read(caller, given, dialect, target, body, most, default)
        self._callers.admit(caller)
        if call.protocol and call.wishes.tracked:
            self._conversations.recognise(call)
        return await self._passing.call(call, client)

    async def _show_models(
        self, path: str, caller: Caller, given: headers.Given, client: Client
    ) -> int:
        dialect: Dialect = "anthropic" if given.says_anthropic else "openai"
        body = await self._models.show(
            caller, dialect, unquote(path.removeprefix("/v1/models").strip("/"))
        )
        length = (b"content-length", str(len(body)).encode())
        await client.head(200, [(b"content-type", b"application/json"), length])
        await client.body(body, last=True)
        return 200

    def metrics(self) -> list[Metric]:
        """Say what passed through and what of it is recorded."""
        recording = self._recording
        if recording is None:
            return []
        name = "airuns_gateway"
        found = [
            Metric(f"{name}_running", "Calls that are being passed through.", len(self._running)),
            Metric(f"{name}_served_total", "Calls to record.", recording.taken, "counter"),
            Metric(f"{name}_recorded_total", "Calls recorded.", recording.recorded, "counter"),
            Metric(
                f"{name}_recovered_total",
                "Calls that processes which died had not recorded, and this one has.",
                recording.recovered,
                "counter",
            ),
            Metric(
                f"{name}_refused_total",
                "Calls that the recorder refused.",
                recording.refused,
                "counter",
            ),
            Metric(f"{name}_waiting", "Calls that wait to be recorded.", recording.waiting),
            Metric(f"{name}_waiting_bytes", "Bytes of them in memory.", recording.held),
            Metric(f"{name}_spool_bytes", "Bytes of the spool on disk.", recording.spooled),
            Metric(
                f"{name}_spool_failures_total",
                "Writes that the disk refused.",
                recording.failures,
                "counter",
            ),
        ]
        return found + [
            Metric(
                f"{name}_answers_{kind}xx_total",
                f"Answers with status {kind}xx.",
                self._statuses[kind],
                "counter",
            )
            for kind in (2, 3, 4, 5)
        ]


def _check(path: str) -> None:
    """Raise NotFound for a path that could leave /v1 at a provider, as it was sent."""
    plain = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    if not path.startswith(PREFIX) or ".." in plain.replace("\\", "/").split("/"):
        raise NotFound(f"There is nothing at {path[:200]}.")


async def _body(receive: Any, most: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _fitting(body, most)
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        _fitting(part, most, size)
    return b"".join(parts)


def _fitting(body: bytes, most: int, size: int = 0) -> bytes:
    if max(size, len(body)) > most:
        raise TooLarge(f"The body is larger than AIRUNS_MAX_BODY allows ({most} bytes).")
    return body

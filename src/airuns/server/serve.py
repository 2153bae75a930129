"""Runs the server: PostgreSQL, the local model and the web server, in one process but PostgreSQL.

So `kill -9` of this process ends everything but PostgreSQL, which the next start takes over.
"""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

from airuns.errors import StartError, Unavailable
from airuns.server.db import embedded
from airuns.server.db.opening import ready
from airuns.server.settings import Settings

if TYPE_CHECKING:
    from litestar import Litestar

    from airuns.server.db.door import Database
    from airuns.server.models.local import LocalModel

    Local = tuple[LocalModel | None, LocalModel | None]
    """The model for chats, and the one that embeds."""

log = logging.getLogger(__name__)

Say = Callable[[str], None]

LAST_SECONDS = 3.0
SWITCH_SECONDS = (
    0.001  # that the loop waits for a thread which computes: Python's own 5 ms are seen
)


def run(settings: Settings, started: float, say: Say) -> None:
    """Serve until SIGTERM or SIGINT.

    `started` is when the command was given (monotonic); `say` prints a line for whoever gave it.
    Raises StartError when something that is needed cannot be had.
    """
    gc.disable()  # what is imported stays: to look through it again and again finds nothing
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _leave)
    _check_port(settings)
    with _local_models(settings) as local, ready(settings) as url:
        _run(_serve(settings, url, local(), started, say))


def _run(serving: Coroutine[Any, Any, None]) -> None:
    """Run to the end, and a few seconds more for what is left.

    asyncio.run() would wait for that without an end.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(serving)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=LAST_SECONDS))
        loop.set_exception_handler(_say_nothing)


def _say_nothing(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Let what is left at the end go without a word."""


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def _check_port(settings: Settings) -> None:
    """Raise StartError when the port cannot be had, before everything else is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            if error.errno == errno.EADDRINUSE:
                raise StartError(
                    f"Another program listens on {where}. Stop it, or choose a port: "
                    "airuns serve --port, or AIRUNS_PORT."
                ) from None
            raise StartError(f"{where} cannot be listened on: {error.strerror}.") from None


@contextmanager
def _local_models(settings: Settings) -> Generator[Callable[[], "Local"]]:
    """Start the local models beside everything else, and import what is slow to import."""
    with ThreadPoolExecutor(2) as pool:
        pool.submit(import_module, "airuns.server.app")
        starting = pool.submit(_start_local_models, settings)
        try:
            yield starting.result
        finally:
            for model in starting.result():
                if model:
                    model.stop()


def _start_local_models(settings: Settings) -> "Local":
    from airuns.server.models import local

    embedder = local.start_embedding(settings)
    return local.start(settings), embedder


async def _serve(settings: Settings, url: str, local: "Local", started: float, say: Say) -> None:
    from airuns.server.app import create_app
    from airuns.server.web import WebServer

    app = create_app(msgspec.structs.replace(settings, database_url=url), *local)
    gc.freeze()
    gc.enable()
    litestar = app.litestar
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    tracing = litestar.state.tracing
    traced = tracing.requests(app) if tracing else app
    server = WebServer(WebServer.configured(traced, settings.host, settings.port))
    async with litestar.lifespan():
        serving = asyncio.create_task(server.serve())
        keeping = asyncio.create_task(_keep_database(settings))
        await _listening(settings, serving)
        await _announce(settings, litestar, say)
        say(f"ready in {time.monotonic() - started:.1f} s")
        await _first_of(serving, stopping)
        keeping.cancel()
    server.should_exit = True
    await serving


async def _first_of(serving: asyncio.Task[None], stopping: asyncio.Event) -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _listening(settings: Settings, serving: asyncio.Task[None]) -> None:
    """Wait until connections are accepted."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, settings.port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    await serving


async def _announce(settings: Settings, litestar: "Litestar", say: Say) -> None:
    say(f"AI Runs is at {settings.url}")
    while True:
        try:
            token = await _first_token(litestar.state.db)
        except Unavailable:  # it went away just now; the server goes on, so this does too
            await asyncio.sleep(0.5)
        else:
            break
    if token:
        say(f"Sign in, once and within 24 hours: {settings.url}/sign-in/{token}")


async def _first_token(db: "Database") -> str | None:
    """Return the token of a sign-in link for the owner, unless somebody has signed in before."""
    from airuns.server.accounts import store

    if await store.anybody_signed_in(db):
        return None
    return await store.add_link(db, (await store.find_owner(db)).id)


async def _keep_database(settings: Settings) -> None:
    """Start the embedded PostgreSQL again when it dies under us."""
    while not settings.database_url:
        await asyncio.sleep(1)
        try:
            await asyncio.to_thread(embedded.revive, settings.data_dir)
        except StartError as error:
            log.error("%s", error.detail)

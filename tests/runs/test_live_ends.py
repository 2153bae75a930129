"""The Socket.IO channel lasts as long as what authenticated it; who joins misses no end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import socketio
from litestar.datastructures import State

from airuns.server import settings
from airuns.server.accounts import guard, store
from airuns.server.accounts.guard import Guard
from airuns.server.db.door import Database, Transaction
from airuns.server.runs import lists, live
from airuns.server.runs.live import Live
from airuns.server.web import WebServer
from tests.accounts.browsing import PASSWORD, form_token, sign_in
from tests.people import ALICE
from tests.runs.calling import user
from tests.runs.channel import connected
from tests.runs.test_tasks import create_run
from tests.serving import Served, free_port

LEAVE = {"run_id": str(uuid4())}


@asynccontextmanager
async def served_here(db: Database) -> AsyncGenerator[tuple[Live, str]]:
    """Serve the channel from this process, without an engine; yield it and its URL."""
    given = settings.load({})
    engine = SimpleNamespace(progress=lambda *_: None)
    here = Live(State({"settings": given, "db": db, "guard": Guard(given, db), "engine": engine}))
    port = free_port()
    app = socketio.ASGIApp(here.server)
    server = WebServer(WebServer.configured(app, "127.0.0.1", port))
    here.start()
    serving = asyncio.create_task(server.serve())
    try:
        await listening(port)
        yield here, f"http://127.0.0.1:{port}"
    finally:
        await here.stop()
        server.should_exit = True
        await serving


async def listening(port: int) -> None:
    """Wait until connections are accepted."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return writer.close()


def new_key(client: httpx.Client) -> dict[str, str]:
    return client.post("/api/keys", json={"name": "socket"}).json()


def revoke(client: httpx.Client, key: dict[str, str]) -> None:
    assert client.delete(f"/api/keys/{key['id']}").status_code == 204


def sign_up(client: httpx.Client, browser: httpx.Client) -> str:
    """Make a user whom the browser signs in; return the cookie."""
    client.post("/api/users", json={"username": "leaver", "password": PASSWORD})
    sign_in(browser, "leaver")
    return f"airuns_session={browser.cookies['airuns_session']}"


def sign_out(browser: httpx.Client) -> None:
    browser.post("/sign-out", data={"csrf_token": form_token(browser.get("/settings").text)})


async def test_a_connection_ends_with_its_key(server: Served, alice: httpx.Client) -> None:
    key = new_key(alice)
    async with connected(server.url, key["key"]) as channel:
        assert await channel.call("run:leave", **LEAVE) == LEAVE
        revoke(alice, key)
        refused = await channel.call("task:submit", messages=[user("x")], model="openai/echo")
        assert refused["error"]["status"] == 401
        await channel.closed()


async def test_a_connection_ends_with_its_session(server: Served, alice: httpx.Client) -> None:
    with server.client() as browser:
        cookie = sign_up(alice, browser)
        async with connected(server.url, None, Cookie=cookie) as channel:
            assert await channel.call("run:leave", **LEAVE) == LEAVE
            sign_out(browser)
            refused = await channel.call("run:leave", **LEAVE)
            assert refused["error"]["code"] == "unauthenticated"
            await channel.closed()


async def test_who_only_listens_is_found_and_let_go(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(guard, "REMEMBERED_SECONDS", 0.0)
    key, text = await store.add_key(db, ALICE.who, "listener")
    async with (
        served_here(db) as (_, url),
        connected(url, text) as listener,
        connected(url, ALICE.key) as other,
    ):
        await store.revoke_key(db, ALICE.who, key.id)
        await listener.closed()
        assert await other.call("run:leave", **LEAVE) == LEAVE


async def test_the_room_is_entered_before_the_running_tasks_are_read(
    db: Database, alice: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = create_run(alice)
    read, rooms = lists.running_of, list[str]()
    async with served_here(db) as (here, url), connected(url, ALICE.key) as channel:

        async def reading(tx: Transaction, user_id: UUID, of: UUID) -> list[Any]:
            rooms.extend(here.server.manager.rooms["/"])
            return await read(tx, user_id, of)

        monkeypatch.setattr(lists, "running_of", reading)
        assert await channel.call("run:join", run_id=run_id) == {"run_id": run_id, "tasks": []}
    assert f"{ALICE.user_id}:{run_id}" in rooms

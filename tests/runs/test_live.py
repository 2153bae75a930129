"""The Socket.IO channel, with the real client: submit, follow, cancel, and only one's own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.people import ALICE, CHARLIE, Person
from tests.provider import Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, user
from tests.serving import Served

EVENTS = (
    "task.started",
    "task.delta",
    "task.data",
    "task.info",
    "task.tool",
    "task.error",
    "task.completed",
    "task.cancelled",
)


class Channel:
    """A connected client, and what it has heard."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self.client = client
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Condition()
        for name in EVENTS:
            client.on(name, self._listener(name))

    def _listener(self, name: str) -> Any:
        async def hear(data: dict[str, Any]) -> None:
            async with self._news:
                self.heard.append((name, data))
                self._news.notify_all()

        return hear

    async def call(self, event: str, **data: Any) -> dict[str, Any]:
        return await self.client.call(event, data, timeout=10)

    async def until(self, name: str) -> dict[str, Any]:
        """Wait for an event and return its data."""

        def found() -> list[dict[str, Any]]:
            return [data for each, data in self.heard if each == name]

        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(found)
            return found()[-1]

    @property
    def text(self) -> str:
        """What the deltas give, put together by their offsets."""
        text = ""
        for name, data in self.heard:
            if name == "task.delta":
                assert data["offset"] <= len(text)
                text = text[: data["offset"]] + data["text"]
        return text


@asynccontextmanager
async def connected(server: Served, person: Person) -> AsyncGenerator[Channel]:
    client = socketio.AsyncClient()
    channel = Channel(client)
    await client.connect(server.url, auth={"key": person.key}, transports=["websocket"])
    try:
        yield channel
    finally:
        await client.disconnect()


async def test_a_task_is_submitted_with_ones_own_id_and_followed(
    server: Served, alice: httpx.Client
) -> None:
    task_id = str(uuid4())
    async with connected(server, ALICE) as channel:
        ids = await channel.call(
            "task:submit", task_id=task_id, messages=[user("a b c")], model="openai/echo"
        )
        assert ids["task_id"] == task_id
        done = await channel.until("task.completed")
    assert channel.heard[0][0] == "task.started"
    assert channel.text == done["response_text"] == "a b c"
    assert get(alice, f"/api/tasks/{task_id}")["run_id"] == ids["run_id"]


async def test_a_task_is_cancelled(server: Served, provider: ScriptedProvider) -> None:
    provider.script("socket-endless", Script(endless=True, delay=0.001))
    async with connected(server, ALICE) as channel:
        ids = await channel.call(
            "task:submit", messages=[user("go")], model="openai/socket-endless"
        )
        await channel.until("task.delta")
        answer = await channel.call("task:cancel", task_id=ids["task_id"])
        assert answer["status"] == "cancelled"
        ended = await channel.until("task.cancelled")
    assert ended["response_text"].startswith(channel.text)


async def test_whoever_joins_a_run_hears_the_rest(
    server: Served, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("joined", Script(pieces=("one ", "two ", "three"), gate=gate))
    async with connected(server, ALICE) as first, connected(server, ALICE) as second:
        ids = await first.call("task:submit", messages=[user("go")], model="openai/joined")
        gate.open(1)
        await first.until("task.delta")
        joined = await second.call("run:join", run_id=ids["run_id"])
        [running] = joined["tasks"]
        assert running == {"task_id": ids["task_id"], "status": "streaming", "text": "one "}
        gate.open()
        await second.until("task.completed")
        late = "".join(data["text"] for name, data in second.heard if name == "task.delta")
        assert running["text"] + late == "one two three"


async def test_whoever_has_left_hears_nothing(server: Served, provider: ScriptedProvider) -> None:
    gate = Gate()
    provider.script("left-room", Script(pieces=("one", "two"), gate=gate))
    async with connected(server, ALICE) as channel, connected(server, ALICE) as witness:
        ids = await channel.call("task:submit", messages=[user("go")], model="openai/left-room")
        await witness.call("run:join", run_id=ids["run_id"])
        await channel.call("run:leave", run_id=ids["run_id"])
        before = len(channel.heard)
        gate.open()
        await witness.until("task.completed")
        await channel.call("run:leave", run_id=ids["run_id"])
        assert len(channel.heard) == before


async def test_a_stranger_can_neither_join_nor_cancel(server: Served, alice: httpx.Client) -> None:
    result = execute(alice, messages=[user("secret")])
    async with connected(server, CHARLIE) as channel:
        missing = str(uuid4())
        answers = [
            await channel.call("run:join", run_id=each) for each in (result["run_id"], missing)
        ]
        details = [each["error"]["detail"].split()[-1] for each in answers]
        assert details == [f"{result['run_id']}.", f"{missing}."]
        assert [each["error"]["status"] for each in answers] == [404, 404]
        cancelled = await channel.call("task:cancel", task_id=result["task_id"])
        assert cancelled["error"]["code"] == "not_found"


async def test_without_a_valid_key_there_is_no_connection(server: Served) -> None:
    for auth in ({"key": "air_wrong"}, {}, None):
        client = socketio.AsyncClient()
        with pytest.raises(Refused):
            await client.connect(server.url, auth=auth, transports=["websocket"])
        await client.disconnect()


async def test_bad_input_is_answered_with_a_problem(server: Served) -> None:
    async with connected(server, ALICE) as channel:
        no_id = await channel.call("run:join", run_id="x")
        assert no_id["error"]["status"] == 422
        assert no_id["error"]["errors"][0]["field"] == "run_id"
        typo = await channel.call("task:submit", mesages=[])
        assert "mesages" in typo["error"]["detail"]
        unknown = await channel.call("task:submit", messages=[user("x")], model="nowhere/x")
        assert unknown["error"]["errors"][0]["field"] == "model"


async def test_an_untracked_task_is_followed_too(server: Served) -> None:
    async with connected(server, ALICE) as channel:
        ids = await channel.call(
            "task:submit", messages=[user("a b")], model="openai/echo", track=False
        )
        assert ids["run_id"] is None
        done = await channel.until("task.completed")
    assert done["response_text"] == "a b"

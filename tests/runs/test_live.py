"""The Socket.IO channel, with the real client: submit, follow, cancel, and only one's own."""

import asyncio
from uuid import uuid4

import httpx
import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.people import ALICE, CHARLIE
from tests.provider import Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, user
from tests.runs.channel import connected
from tests.runs.test_tasks import create_run, create_task
from tests.serving import Served


async def test_a_task_is_submitted_with_ones_own_id_and_followed(
    server: Served, alice: httpx.Client
) -> None:
    task_id = str(uuid4())
    async with connected(server.url, ALICE.key) as channel:
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
    async with connected(server.url, ALICE.key) as channel:
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
    async with (
        connected(server.url, ALICE.key) as first,
        connected(server.url, ALICE.key) as second,
    ):
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
    async with (
        connected(server.url, ALICE.key) as channel,
        connected(server.url, ALICE.key) as witness,
    ):
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
    async with connected(server.url, CHARLIE.key) as channel:
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
    async with connected(server.url, ALICE.key) as channel:
        no_id = await channel.call("run:join", run_id="x")
        assert no_id["error"]["status"] == 422
        assert no_id["error"]["errors"][0]["field"] == "run_id"
        typo = await channel.call("task:submit", mesages=[])
        assert "mesages" in typo["error"]["detail"]
        role = await channel.call("task:submit", messages=[{"role": "king", "content": "x"}])
        assert "messages[0].role: must be one of assistant," in role["error"]["detail"]
        unknown = await channel.call("task:submit", messages=[user("x")], model="nowhere/x")
        assert unknown["error"]["errors"][0]["field"] == "model"


async def test_an_untracked_task_is_followed_too(server: Served) -> None:
    async with connected(server.url, ALICE.key) as channel:
        ids = await channel.call(
            "task:submit", messages=[user("a b")], model="openai/echo", track=False
        )
        assert ids["run_id"] is None
        done = await channel.until("task.completed")
    assert done["response_text"] == "a b"


async def test_a_task_sent_again_says_that_it_has_ended(
    server: Served, alice: httpx.Client
) -> None:
    done = execute(alice, messages=[user("once")], task_id=str(uuid4()))
    again = {"task_id": done["task_id"], "messages": [user("once")], "model": "openai/echo"}
    async with connected(server.url, ALICE.key) as channel:
        ids = await channel.call("task:submit", **again)
    assert ids == {"run_id": done["run_id"], "task_id": done["task_id"], "status": "completed"}


async def test_whoever_joins_gets_the_saved_text_of_a_task_that_runs_elsewhere(
    server: Served, alice: httpx.Client
) -> None:
    run_id = create_run(alice)
    task_id = create_task(alice, run_id=run_id)["task_id"]
    await asyncio.to_thread(alice.patch, f"/api/tasks/{task_id}", json={"response_text": "so far"})
    async with connected(server.url, ALICE.key) as channel:
        joined = await channel.call("run:join", run_id=run_id)
        assert joined["tasks"] == [{"task_id": task_id, "status": "streaming", "text": "so far"}]


async def test_an_event_may_carry_more_than_its_data(server: Served) -> None:
    async with connected(server.url, ALICE.key) as channel:
        answer = await channel.client.call("run:leave", ({}, "more", 1), timeout=10)
    assert answer["error"]["status"] == 422


async def test_a_message_may_be_as_long_as_a_body(server: Served) -> None:
    async with connected(server.url, ALICE.key) as channel:
        answer = await channel.call("run:leave", run_id="x" * 2_000_000)
    assert answer["error"]["status"] == 422

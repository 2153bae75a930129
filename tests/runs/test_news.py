"""Whoever lists runs hears of each change of one's own, and of nobody else's."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from httpx import Client, Response

from tests.people import ALICE, CHARLIE
from tests.runs.calling import execute, user
from tests.runs.channel import Channel, connected
from tests.runs.test_runs import create
from tests.serving import Served

JSON = dict[str, Any]


async def told(channel: Channel, what: str, call: Callable[..., Response], *args: Any) -> JSON:
    """Do something to a run and wait for its news; return the answer."""
    channel.news.clear()
    answer = await asyncio.to_thread(call, *args)
    assert answer.status_code < 300, answer.text
    body = answer.json() if answer.content else {}
    run_id = body.get("run_id") or body.get("id") or args[0].split("/")[3]
    await channel.until_told(run_id=run_id, what=what)
    return body


async def test_each_change_of_a_run_is_told(server: Served, alice: Client) -> None:
    def post(path: str, body: JSON) -> Response:
        return alice.post(path, json=body)

    def patch(path: str, body: JSON) -> Response:
        return alice.patch(path, json=body)

    async with connected(server.url, ALICE.key) as channel:
        run = await told(channel, "changed", post, "/api/runs", {"name": "Told"})
        path = f"/api/runs/{run['id']}"
        for change in ({"name": "New"}, {"is_starred": True}, {"archived": True}, {"tags": ["a"]}):
            await told(channel, "changed", patch, path, change)
        channel.news.clear()
        await asyncio.to_thread(post, f"{path}/messages", user("hi"))
        await channel.until_told(run_id=run["id"], what="message")
        await told(channel, "changed", post, f"{path}/fork", {})
        task = await told(channel, "started", post, "/api/tasks", {"run_id": run["id"]})
        await told(channel, "ended", post, f"/api/tasks/{task['task_id']}/complete", {})
        await told(channel, "deleted", alice.delete, path)
        await told(channel, "restored", alice.post, f"{path}/restore")


async def test_a_task_is_told_at_its_start_and_end(server: Served, alice: Client) -> None:
    async with connected(server.url, ALICE.key) as channel:
        result = await asyncio.to_thread(execute, alice, messages=[user("x")])
        await channel.until_told(run_id=result["run_id"], what="ended")
    of_run = [each["what"] for each in channel.news if each.get("run_id") == result["run_id"]]
    assert of_run == ["started", "ended"]


async def test_an_untracked_call_is_told_to_nobody(server: Served, alice: Client) -> None:
    async with connected(server.url, ALICE.key) as channel:
        await asyncio.to_thread(execute, alice, messages=[user("x")], track=False)
        run = await asyncio.to_thread(create, alice, name="After")
        await channel.until_told(run_id=run["id"])
        assert [each["what"] for each in channel.news] == ["changed"]


async def test_changes_of_many_runs_are_told_once(server: Served, alice: Client) -> None:
    async def post(path: str, **body: Any) -> JSON:
        return (await asyncio.to_thread(lambda: alice.post(path, json=body))).json()

    async with connected(server.url, ALICE.key) as channel:
        ids = [(await post("/api/runs", name="x"))["id"] for _ in range(3)]
        change = await post("/api/runs/changes", action="star", ids=ids)
        await channel.until_told(change_id=change["id"], action="star")
        await post(f"/api/runs/changes/{change['id']}/undo")
        await channel.until_told(change_id=change["id"], action="undo")
        prompt = await post("/api/prompts", name="P", messages=[user("Hi")])
        await asyncio.to_thread(alice.delete, f"/api/prompts/{prompt['id']}")
        await channel.until_told(change_id=None, action="delete")
        await post(f"/api/prompts/{prompt['id']}/restore")
        await channel.until_told(change_id=None, action="restore")
    assert len([each for each in channel.news if "change_id" in each]) == 4


async def test_nobody_else_hears_it(server: Served, alice: Client, charlie: Client) -> None:
    async with (
        connected(server.url, ALICE.key) as hers,
        connected(server.url, CHARLIE.key) as strangers,
    ):
        result = await asyncio.to_thread(execute, alice, messages=[user("secret")])
        change = {"action": "star", "ids": [result["run_id"]]}
        await asyncio.to_thread(lambda: alice.post("/api/runs/changes", json=change))
        await hers.until_told(action="star")
        run = await asyncio.to_thread(create, charlie, name=str(uuid4()))
        await strangers.until_told(run_id=run["id"])
        [news] = strangers.news
        assert (news["run_id"], news["what"]) == (run["id"], "changed")
        assert run["id"] not in str(hers.news)


async def test_who_comes_back_is_told_whether_something_was_missed(
    server: Served, charlie: Client
) -> None:
    async with connected(server.url, CHARLIE.key) as first:
        await told(first, "changed", lambda: charlie.post("/api/runs", json={}))
    mark = first.news[-1]["mark"]
    async with connected(server.url, CHARLIE.key, mark) as unbroken:
        await told(unbroken, "changed", lambda: charlie.post("/api/runs", json={}))
    assert "missed" not in [news.get("action") for news in unbroken.news]
    async with connected(server.url, CHARLIE.key, mark) as missed:
        await missed.until_told(action="missed", mark=unbroken.news[-1]["mark"])
    async with connected(server.url, CHARLIE.key, "of another process.7") as restarted:
        await restarted.until_told(action="missed")

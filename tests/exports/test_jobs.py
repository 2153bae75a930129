"""Exports that are made in the background: they are listed, told of, downloaded, and expire."""

import asyncio
import time
from uuid import UUID, uuid4

import psycopg
from httpx import Client

from airuns.server.db.door import SERVICE, Database
from airuns.server.exports import jobs, store
from airuns.server.ids import new_id
from airuns.server.news import News
from airuns.server.settings import load
from tests.exports.taking import lines_of
from tests.exports.trees import user_messages
from tests.people import ALICE, CHARLIE
from tests.runs.calling import get, problem
from tests.runs.channel import connected
from tests.serving import Served, wait_until


def tagged(alice: Client, count: int) -> str:
    tag = f"job-{uuid4().hex[:8]}"
    for number in range(count):
        alice.post("/api/runs", json={"name": f"Run {number}", "tags": [tag]})
    return tag


def done(client: Client, export_id: str) -> dict[str, object]:
    path = f"/api/exports/{export_id}"
    wait_until(lambda: get(client, path)["state"] in ("done", "failed"), "the export")
    return get(client, path)


async def test_whoever_asked_is_told_when_it_is_done(server: Served, alice: Client) -> None:
    def ask() -> str:
        body = {"format": "csv", "filter": {"tag": "none"}}
        return alice.post("/api/exports", json=body).json()["id"]

    async with connected(server.url, ALICE.key) as channel:
        export_id = await asyncio.to_thread(ask)
        await channel.until_told(export_id=export_id)


def test_the_file_of_a_job_is_that_of_a_stream(alice: Client, charlie: Client) -> None:
    tag = tagged(alice, 3)
    answer = alice.post("/api/exports", json={"format": "json", "filter": {"tag": tag}})
    assert answer.status_code == 202, answer.text
    made = done(alice, answer.json()["id"])
    assert (made["state"], made["total_runs"], made["done_runs"]) == ("done", 3, 3)
    path = f"/api/exports/{made['id']}/download"
    download = alice.get(path)
    assert int(download.headers["content-length"]) == made["size"] == len(download.content)
    streamed = alice.get("/api/export", params={"format": "json", "tag": tag})
    assert lines_of(download.content) == lines_of(streamed.content)
    assert made["id"] in [each["id"] for each in get(alice, "/api/exports")["items"]]
    for call in (charlie.get, charlie.delete):
        problem(call(f"/api/exports/{made['id']}"), 404)
    problem(charlie.get(path), 404)
    assert alice.delete(f"/api/exports/{made['id']}").status_code == 204
    problem(alice.get(path), 404)


def test_runs_without_an_answer_are_counted(alice: Client) -> None:
    body = {"format": "jsonl", "filter": {"tag": tagged(alice, 2)}}
    made = done(alice, alice.post("/api/exports", json=body).json()["id"])
    assert (made["done_runs"], made["left_out"], made["size"]) == (2, 2, 0)


def test_a_job_that_cannot_be_made_says_why(alice: Client) -> None:
    body = {"format": "text", "ids": [str(uuid4())]}
    made = done(alice, alice.post("/api/exports", json=body).json()["id"])
    assert made["state"] == "failed"
    assert "There is no run" in str(made["error"])
    problem(alice.get(f"/api/exports/{made['id']}/download"), 409)


def test_ids_or_a_filter_and_not_both(alice: Client) -> None:
    problem(alice.post("/api/exports", json={"format": "csv"}), 422, "ids")
    body = {"format": "csv", "ids": [str(uuid4())], "filter": {}}
    problem(alice.post("/api/exports", json=body), 422, "ids")
    problem(alice.post("/api/exports", json={"format": "csv", "ids": []}), 422, "ids")


def test_nothing_waits_for_somebodys_long_pdf(alice: Client, bob: Client) -> None:
    """Of what can be made side by side nothing is made one after the other."""
    ids = [alice.post("/api/runs", json={"name": f"Page {n}"}).json()["id"] for n in range(6)]
    pdf = alice.post("/api/exports", json={"format": "pdf", "ids": ids}).json()["id"]
    wait_until(lambda: get(alice, f"/api/exports/{pdf}")["state"] == "running")
    for client in (alice, bob):
        body = {"format": "csv", "filter": {"tag": "none"}}
        assert done(client, client.post("/api/exports", json=body).json()["id"])["state"] == "done"
    assert get(alice, f"/api/exports/{pdf}")["state"] == "running"
    assert alice.delete(f"/api/exports/{pdf}").status_code == 204


def test_users_take_turns() -> None:
    ann, ben, cleo = (UUID(int=number) for number in range(3))
    waiting = [store.Found(user, new_id(), False, None) for user in (ann, ben, cleo)]
    pdfs = [store.Found(user, new_id(), True, None) for user in (ann, cleo)]
    first = jobs.next_up([*waiting, *pdfs], [], {})
    assert first == [*waiting[:2], *pdfs]  # two of each sort, those who have waited longest
    begun = {found.turn: 1.0 + place for place, found in enumerate(first)}
    of_ben = waiting[1].turn
    assert jobs.next_up(waiting, [of_ben], begun) == [waiting[2]]  # ann had a turn already
    both = [of_ben, waiting[2].turn]
    assert jobs.next_up(waiting, both, begun) == []
    assert jobs.next_up(waiting[:1], [waiting[0].turn], begun) == []  # one of each user's at a time


async def add(db: Database) -> tuple[store.Export, store.Found]:
    """Add an export that no worker takes, because a process that lives has it."""
    run_id = await user_messages(db, CHARLIE, 3)
    async with db.transaction(CHARLIE.who) as tx:
        made = await store.add(tx, CHARLIE.user_id, [run_id], "text", "current")
    return made, store.Found(CHARLIE.user_id, made.id, False, None)


async def test_one_of_two_processes_takes_an_export(db: Database) -> None:
    made, found = await add(db)
    async with db.transaction(CHARLIE.who) as tx:
        claims = [await store.claim(tx, found, new_id()) for _ in range(2)]
        await store.delete(tx, CHARLIE.user_id, made.id)
    assert [claim is not None for claim in claims] == [True, False]


async def test_what_a_dead_process_began_is_made_anew(own_database_url: str) -> None:
    db = Database(own_database_url, 4)
    await db.open()
    try:
        made, found = await add(db)
        dead = new_id()
        async with db.transaction(CHARLIE.who) as tx:
            assert await store.claim(tx, found, dead)
            await store.add_chunk(tx, found, 0, b"half of it")
        assert made.id not in [each.id for each in await store.claimable(db, 30.0)]
        exporter = jobs.Exporter(load({"AIRUNS_LEASE": "1"}), db, News(lambda *_: None))
        exporter.start()
        deadline = time.monotonic() + 15
        state = ""
        while state != "done" and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            exporter.wake()
            async with db.transaction(CHARLIE.who) as tx:
                state = (await store.get(tx, CHARLIE.user_id, made.id)).state
        await exporter.stop()
        async with db.transaction(CHARLIE.who) as tx:
            assert state == "done"
            content = await store.chunk(tx, CHARLIE.user_id, made.id, 0)
            assert not await store.say(tx, found, dead, store.Progress())
        assert content
        assert b"Message 2" in content
        assert b"half" not in content
        await _expires(own_database_url, db, made)
    finally:
        await db.close()


async def _expires(url: str, db: Database, made: store.Export) -> None:
    with psycopg.connect(url) as owner:
        owner.execute("set local role airuns_app")
        owner.execute(f"set local airuns.user_id = '{CHARLIE.user_id}'".encode())
        owner.execute("update airuns.exports set expires_at = now() - interval '1 second'")
    await store.expire(db)
    async with db.transaction(CHARLIE.who) as tx:
        assert await store.chunk(tx, CHARLIE.user_id, made.id, 0) is None
    async with db.transaction(SERVICE) as tx:
        assert await tx.value("select count(*) from airuns.exports") == 0

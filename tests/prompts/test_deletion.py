"""A prompt goes with its runs, comes back with just those, and goes for good when asked twice."""

from typing import Any
from uuid import UUID

import httpx

from airuns.server.db.door import Database
from airuns.server.ids import new_id
from tests.people import ALICE
from tests.prompts.test_lists import names
from tests.prompts.test_prompts import created
from tests.sql.rows import add


async def with_run(db: Database, prompt_id: str, **more: Any) -> UUID:
    """Add a run of a prompt, with one message and one task."""
    async with db.transaction(ALICE.who) as tx:
        run_id = await add(
            tx, "ai_runs", ALICE.user_id, source_type="prompt", source_id=prompt_id, **more
        )
        await add(tx, "ai_messages", ALICE.user_id, run_id=run_id)
        await add(tx, "ai_tasks", ALICE.user_id, run_id=run_id)
    return run_id


async def living(db: Database, *run_ids: UUID) -> list[bool]:
    """Say of each run whether it is there and not deleted."""
    async with db.transaction(ALICE.who) as tx:
        rows = await tx.rows(
            "select id from airuns.ai_runs"
            " where user_id = %(user_id)s and id = any(%(ids)s) and deleted_at is null",
            user_id=ALICE.user_id,
            ids=list(run_ids),
        )
    there = {row["id"] for row in rows}
    return [run_id in there for run_id in run_ids]


async def test_a_prompt_and_its_runs_go_and_come_back(api: httpx.AsyncClient, db: Database) -> None:
    prompt = await created(api, name="Numbat")
    url = f"/{prompt['id']}"
    other = await with_run(db, (await created(api))["id"])
    mine = await with_run(db, prompt["id"])
    gone_before = await with_run(db, prompt["id"], deleted_at="2026-01-01")
    took = {"runs": 1, "messages": 1, "tasks": 1}
    assert (await api.get(f"{url}/deletion")).json() == took
    assert (await api.delete(url)).json() == took
    assert await living(db, mine, other) == [False, True]
    assert (await api.get(url)).status_code == 404
    assert (await api.get(f"{url}/history")).status_code == 404
    assert (await api.patch(url, json={"name": "x"})).status_code == 404
    assert (await api.delete(url)).status_code == 404
    assert await names(api, q="numbat") == []
    assert await names(api, q="numbat", deleted=True) == ["Numbat"]

    restored = await api.post(f"{url}/restore")
    assert (restored.status_code, restored.json()["messages"]) == (200, prompt["messages"])
    assert await living(db, mine, gone_before) == [True, False]
    assert (await api.post(f"{url}/restore")).status_code == 200


async def test_a_purge_is_for_deleted_prompts_and_leaves_nothing(
    api: httpx.AsyncClient, db: Database
) -> None:
    prompt = await created(api)
    url = f"/{prompt['id']}"
    run_id = await with_run(db, prompt["id"])
    assert (await api.delete(url, params={"purge": True})).status_code == 409
    await api.delete(url)
    purged = await api.delete(url, params={"purge": True})
    assert purged.json() == {"runs": 1, "messages": 1, "tasks": 1}
    assert (await api.post(f"{url}/restore")).status_code == 404
    async with db.transaction(ALICE.who) as tx:
        for table in ("ai_messages", "ai_tasks"):
            left = await tx.value(
                f"select count(*) from airuns.{table}"  # noqa: S608
                " where user_id = %(user_id)s and run_id = %(run_id)s",
                user_id=ALICE.user_id,
                run_id=run_id,
            )
            assert left == 0


async def test_a_purge_takes_a_run_with_branches_and_answers(
    api: httpx.AsyncClient, db: Database
) -> None:
    prompt = await created(api)
    run_id = await with_run(db, prompt["id"])
    of_run = {"user_id": ALICE.user_id, "run_id": run_id}
    async with db.transaction(ALICE.who) as tx:
        question = await add(tx, "ai_messages", **of_run)
        task = await add(tx, "ai_tasks", **of_run, request_message_id=question)
        answers = [
            await add(tx, "ai_messages", **of_run, parent_id=question, depth=1, task_id=task)
            for _ in range(2)
        ]
        await tx.execute(
            "update airuns.ai_runs set head_message_id = %(head)s"
            " where user_id = %(user_id)s and id = %(run_id)s",
            **of_run,
            head=answers[0],
        )
    await api.delete(f"/{prompt['id']}")
    purged = await api.delete(f"/{prompt['id']}", params={"purge": True})
    assert purged.json() == {"runs": 1, "messages": 4, "tasks": 2}


async def test_deleting_what_never_was_is_no_success(api: httpx.AsyncClient) -> None:
    for params in ({}, {"purge": True}):
        assert (await api.delete(f"/{new_id()}", params=params)).status_code == 404

"""/api/runs/changes: many runs are changed at once, and exactly those are put back."""

from asyncio import gather
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from airuns.server.db.door import Database, Transaction
from airuns.server.runs import changes
from airuns.server.runs.changes import RULES, Action, Change
from tests.conftest import Run
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider
from tests.runs.calling import execute, get, problem, user
from tests.runs.test_run_lists import names, new_tag
from tests.runs.test_runs import create
from tests.serving import wait_until
from tests.sql.rows import add

PAST = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TIMES = st.none() | st.integers(0, 9).map(lambda days: PAST + timedelta(days=days))
STATES = st.fixed_dictionaries(
    {
        "is_starred": st.booleans(),
        "archived_at": TIMES,
        "deleted_at": TIMES,
        "tags": st.lists(st.sampled_from(['a "quoted", {one}', "b", "ü", "NULL"]), max_size=4),
    }
)
READ = """
    select id, is_starred, archived_at, deleted_at, tags, name, status, last_message_at
    from airuns.ai_runs where user_id = %(user_id)s and id = any(%(ids)s) order by id
"""


async def read(tx: Transaction, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = await tx.rows(READ, user_id=ALICE.user_id, ids=ids)
    return {row["id"]: row for row in rows}


async def changed_and_undone(
    db: Database, action: Action, tag: str | None, states: list[dict[str, Any]]
) -> None:
    async with db.transaction(ALICE.who) as tx:
        ids = [await add(tx, "ai_runs", ALICE.user_id, **state) for state in states]
        before = await read(tx, ids)
    async with db.transaction(ALICE.who) as tx:
        made = await changes.change(tx, ALICE.user_id, action, tag, ids)
        after = await read(tx, ids)
        again = await changes.change(tx, ALICE.user_id, action, tag, ids)
    assert made.count == sum(before[each] != after[each] for each in ids)
    assert again.count == 0
    for _ in range(2):
        async with db.transaction(ALICE.who) as tx:
            assert await changes.undo(tx, ALICE.user_id, made.id) == made
            assert await read(tx, ids) == before


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(RULES)), st.lists(STATES, max_size=5))
def test_a_change_and_its_undoing_leave_every_run_as_it_was(
    run: Run, db: Database, action: Action, states: list[dict[str, Any]]
) -> None:
    tag = "b" if action in ("tag", "untag") else None
    run(changed_and_undone(db, action, tag, states))


def changed(client: Client, action: str, **body: Any) -> dict[str, Any]:
    answer = client.post("/api/runs/changes", json={"action": action, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def undone(client: Client, change: dict[str, Any]) -> None:
    answer = client.post(f"/api/runs/changes/{change['id']}/undo")
    assert answer.status_code == 200, answer.text
    assert answer.json() == change


def test_only_what_was_really_changed_is_put_back(alice: Client) -> None:
    tag = new_tag()
    ids = [create(alice, name=name, tags=[tag])["id"] for name in "abc"]
    alice.patch(f"/api/runs/{ids[0]}", json={"is_starred": True})
    change = changed(alice, "star", ids=[*ids, str(uuid4())])
    assert (change["action"], change["tag"], change["count"]) == ("star", None, 2)
    assert names(alice, tag=tag, starred=True) == ["a", "b", "c"]
    undone(alice, change)
    undone(alice, change)
    assert names(alice, tag=tag, starred=True) == ["a"]


def test_all_that_a_filter_matches_are_changed(alice: Client) -> None:
    tag, label = new_tag(), new_tag()
    for name in ("red one", "red two", "blue"):
        create(alice, name=name, tags=[tag])
    change = changed(alice, "tag", tag=label, filter={"q": "RED", "tag": tag})
    assert change["count"] == 2
    assert names(alice, tag=label) == ["red one", "red two"]
    assert changed(alice, "untag", tag=label, filter={"q": "two", "tag": label})["count"] == 1
    assert changed(alice, "archive", filter={"tag": tag})["count"] == 3
    assert names(alice, tag=tag) == []
    back = changed(alice, "unarchive", filter={"tag": tag, "archived": True, "q": "blue"})
    assert names(alice, tag=tag) == ["blue"]
    undone(alice, back)
    assert names(alice, tag=tag) == []


def test_runs_are_deleted_and_restored_in_bulk(alice: Client, provider: ScriptedProvider) -> None:
    provider.script("bulk-endless", Script(endless=True, delay=0.001))
    tag = new_tag()
    create(alice, name="quiet", tags=[tag])
    task_id = str(uuid4())
    with alice.stream(
        "POST",
        "/api/prompt/run",
        json={
            "messages": [user("x")],
            "model": "openai/bulk-endless",
            "name": "talking",
            "tags": [tag],
            "task_id": task_id,
            "stream": True,
        },
    ):
        wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "streaming")
        deleted = changed(alice, "delete", filter={"tag": tag})
    assert deleted["count"] == 2
    assert names(alice, tag=tag) == []
    undone(alice, deleted)
    assert names(alice, tag=tag, last_status="cancelled") == ["talking"]
    changed(alice, "delete", filter={"tag": tag})
    restored = changed(alice, "restore", filter={"tag": tag, "deleted": True, "q": "quiet"})
    assert restored["count"] == 1
    assert names(alice, tag=tag) == ["quiet"]


def test_what_changed_since_stays_as_it_is_now(alice: Client) -> None:
    tag = new_tag()
    ids = [create(alice, name=name, tags=[tag])["id"] for name in "ab"]
    archived = changed(alice, "archive", ids=ids)
    for flag in (False, True):
        alice.patch(f"/api/runs/{ids[0]}", json={"archived": flag})
    undone(alice, archived)
    assert names(alice, tag=tag) == ["b"]


def test_a_run_comes_back_only_with_its_prompt(alice: Client) -> None:
    body = {"name": "P", "messages": [{"role": "user", "content": "Hi"}]}
    prompt_id = alice.post("/api/prompts", json=body).json()["id"]
    run_id = execute(alice, prompt_id=prompt_id)["run_id"]
    deleted = changed(alice, "delete", ids=[run_id])
    alice.delete(f"/api/prompts/{prompt_id}")
    answer = alice.post(f"/api/runs/changes/{deleted['id']}/undo")
    assert f"/api/prompts/{prompt_id}/restore" in problem(answer, 409)["detail"]
    assert changed(alice, "restore", ids=[run_id])["count"] == 0
    alice.post(f"/api/prompts/{prompt_id}/restore")
    undone(alice, deleted)
    assert get(alice, f"/api/runs/{run_id}")["deleted_at"] is None


def test_a_run_with_as_many_tags_as_it_may_have_stays_as_it_is(alice: Client) -> None:
    run_id = create(alice, name="full", tags=[str(number) for number in range(50)])["id"]
    assert changed(alice, "tag", tag=new_tag(), ids=[run_id])["count"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "star"}, "ids"),
        ({"action": "star", "ids": [], "filter": {}}, "ids"),
        ({"action": "explode", "ids": []}, "action"),
        ({"action": "tag", "ids": []}, "tag"),
        ({"action": "star", "tag": "x", "ids": []}, "tag"),
        ({"action": "tag", "tag": "a\0", "ids": []}, "tag"),
        ({"action": "star", "ids": ["x"]}, "ids[0]"),
        ({"action": "star", "ids": [str(UUID(int=1))] * 8001}, "ids"),
        ({"action": "star", "filter": {"colour": "red"}}, "filter.colour"),
        ({"action": "star", "filter": {"q": "\0"}}, "q"),
    ],
)
def test_bad_input_is_named(alice: Client, body: dict[str, Any], field: str) -> None:
    problem(alice.post("/api/runs/changes", json=body), 422, field)


def test_a_stranger_changes_and_undoes_nothing(alice: Client, charlie: Client) -> None:
    tag = new_tag()
    run_id = create(alice, name="mine", tags=[tag])["id"]
    assert changed(charlie, "star", ids=[run_id])["count"] == 0
    assert changed(charlie, "star", filter={"tag": tag})["count"] == 0
    starred = changed(alice, "star", ids=[run_id])
    problem(charlie.post(f"/api/runs/changes/{starred['id']}/undo"), 404, "change_id")
    problem(alice.post(f"/api/runs/changes/{uuid4()}/undo"), 404, "change_id")
    assert names(alice, tag=tag, starred=True) == ["mine"]


async def test_changes_at_once_are_each_put_back(db: Database) -> None:
    async with db.transaction(ALICE.who) as tx:
        ids = [await add(tx, "ai_runs", ALICE.user_id) for _ in range(3)]

    async def star() -> Change:
        async with db.transaction(ALICE.who) as tx:
            return await changes.change(tx, ALICE.user_id, "star", None, ids)

    made = await gather(*(star() for _ in range(5)))
    assert sorted(each.count for each in made) == [0, 0, 0, 0, 3]

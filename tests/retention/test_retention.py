"""/api/retention and /api/trash: old runs are archived, deleted and purged as one wants."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from airuns.server.db.door import As, Database, Transaction
from airuns.server.news import News
from airuns.server.retention import store
from airuns.server.retention.rules import Rule
from airuns.server.retention.store import NOWHERE
from airuns.server.retention.upkeep import Upkeep
from airuns.server.runs import changes
from airuns.server.runs.lists import RunFilter
from tests.conftest import Run
from tests.people import ALICE, Person
from tests.retention.conftest import NewPerson
from tests.runs.calling import problem
from tests.serving import wait_until
from tests.sql.rows import add


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def old_run(tx: Transaction, user_id: UUID, days: float = 100, **values: Any) -> str:
    """Add a run with a message and a task that nobody has touched for so many days."""
    at = {"created_at": ago(days), "updated_at": ago(days), "last_message_at": ago(days)}
    run_id = await add(tx, "ai_runs", user_id, **(at | values))
    question = await add(tx, "ai_messages", user_id, run_id=run_id, created_at=ago(days), added=0)
    await add(
        tx, "ai_tasks", user_id, run_id=run_id, request_message_id=question, status="completed",
        tokens_total=7, cost="0.25", created_at=ago(days),
    )  # fmt: skip
    await tx.execute(
        "update airuns.ai_runs set updated_at = %(at)s where user_id = %(user_id)s and id = %(id)s",
        at=values.get("updated_at", ago(days)),
        user_id=user_id,
        id=run_id,
    )
    return str(run_id)


@pytest.fixture
def put(db: Database, dora: Person, run: Run) -> Callable[..., str]:
    """Add an old run of Dora's."""

    async def work(**values: Any) -> str:
        async with db.transaction(dora.who) as tx:
            return await old_run(tx, dora.user_id, **values)

    return lambda **values: run(work(**values))


def states(client: Client) -> dict[str, str]:
    """Return what has become of each run that is left."""
    found: dict[str, str] = {}
    for params in ({"archived": False}, {"archived": True}, {"deleted": True}):
        items = client.get("/api/runs", params={**params, "limit": 200}).json()["items"]
        for item in items:
            shown = "archived" if item["archived_at"] else "there"
            found[item["id"]] = "deleted" if item["deleted_at"] else shown
    return found


def apply(client: Client, *rules: dict[str, Any]) -> dict[str, Any]:
    """Put rules, wait until they have been applied, and return how that went."""
    before = client.get("/api/retention").json()["last_pass"]
    assert client.put("/api/retention", json={"rules": rules}).status_code == 200

    def has_ended() -> bool:
        now = client.get("/api/retention").json()["last_pass"]
        return now != before and now["ended_at"] is not None

    wait_until(has_ended)
    return client.get("/api/retention").json()["last_pass"]


def test_everything_is_kept_unless_one_says_otherwise(client: Client) -> None:
    assert client.get("/api/retention").json() == {
        "rules": [],
        "due_at": None,
        "last_pass": None,
        "emptying": None,
        "erase_asked_at": None,
    }


def test_old_runs_are_archived_but_not_those_that_count(
    client: Client, put: Callable[..., str]
) -> None:
    old = put()
    kept = [
        put(is_starred=True),
        put(days=20),
        put(updated_at=ago(1)),
        put(last_message_at=ago(1)),
    ]
    rule = {"action": "archive", "days": 90}
    preview = client.post("/api/retention/preview", json={"rules": [rule]}).json()
    assert [item["runs"] for item in preview["items"]] == [1]
    assert old in states(client)
    done = apply(client, rule)
    assert (done["archived"], done["deleted"], done["purged"]) == (1, 0, 0)
    assert states(client) == {old: "archived"} | dict.fromkeys(kept, "there")


def test_rules_follow_each_other_and_keep_to_their_filters(
    client: Client, put: Callable[..., str]
) -> None:
    chat = put()
    tagged = put(tags=["keep", "x"], source_type="custom")
    trashed = put(deleted_at=ago(40), is_starred=True)
    gone = put(deleted_at=ago(40))
    fresh = put(deleted_at=ago(2))
    done = apply(
        client,
        {"action": "delete", "days": 50, "source_type": "chat"},
        {"action": "archive", "days": 50, "tag": "keep"},
        {"action": "purge"},
    )
    assert (done["archived"], done["deleted"], done["purged"]) == (1, 1, 1)
    left = {chat: "deleted", tagged: "archived", trashed: "deleted", fresh: "deleted"}
    assert gone not in left
    assert states(client) == left


def test_a_restored_run_is_not_deleted_again_at_once(
    client: Client, put: Callable[..., str]
) -> None:
    run_id = put()
    rule = {"action": "delete", "days": 50}
    assert apply(client, rule)["deleted"] == 1
    assert client.post(f"/api/runs/{run_id}/restore").status_code == 200
    assert apply(client, rule)["deleted"] == 0
    assert states(client) == {run_id: "there"}


def test_the_trash_is_emptied_of_what_a_filter_matches(
    client: Client, put: Callable[..., str]
) -> None:
    for _ in range(3):
        put(deleted_at=ago(1), tags=["a"], archived_at=ago(1))
    other = put(deleted_at=ago(1), is_starred=True)
    prompt = client.post("/api/prompts", json={"name": "P", "messages": MESSAGES}).json()["id"]
    client.delete(f"/api/prompts/{prompt}")
    asked = client.post("/api/trash/empty", json={"filter": {"tag": "a"}})
    assert (asked.status_code, asked.json()["total"]) == (202, 3)

    def emptied() -> bool:
        return client.get("/api/retention").json()["emptying"]["ended_at"] is not None

    wait_until(emptied)
    assert client.get("/api/retention").json()["emptying"]["done"] == 3
    assert states(client) == {other: "deleted"}
    assert client.post("/api/trash/empty", json={}).json()["total"] == 1
    wait_until(emptied)
    done = client.get("/api/retention").json()["emptying"]
    assert (done["done"], done["prompts"]) == (1, 1)
    assert states(client) == {}
    assert client.post(f"/api/prompts/{prompt}/restore").status_code == 404


async def test_a_second_emptying_waits_for_the_first(dora: Person, db: Database) -> None:
    async with db.transaction(dora.who) as tx:
        await store.empty_trash(tx, dora.user_id, RunFilter())
        with pytest.raises(Exception, match="emptied already"):
            await store.empty_trash(tx, dora.user_id, RunFilter())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rules": [{"action": "burn"}]}, "rules[0].action"),
        ({"rules": [{"action": "purge", "days": 0}]}, "rules[0].days"),
        ({"rules": [{"action": "purge", "until": 3}]}, "rules[0].until"),
        ({}, "rules"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(client: Client, body: dict[str, Any], field: str) -> None:
    for method, path in (("PUT", "/api/retention"), ("POST", "/api/retention/preview")):
        problem(client.request(method, path, json=body), 422, field)


async def test_a_long_conversation_is_purged(dora: Person, db: Database) -> None:
    """A cascade that went from answer to answer would be as deep as the conversation."""
    async with db.transaction(dora.who) as tx:
        run_id = await add(tx, "ai_runs", dora.user_id, deleted_at=ago(1))
        above = None
        for depth in range(1200):
            task = None
            if depth % 2:
                task = await add(
                    tx, "ai_tasks", dora.user_id, run_id=run_id, request_message_id=above
                )
            above = await add(
                tx, "ai_messages", dora.user_id, run_id=run_id, parent_id=above, depth=depth,
                task_id=task, added=0,
            )  # fmt: skip
    rule = Rule(action="purge", days=1)
    async with db.transaction(dora.who) as tx:
        made = await store.apply(tx, dora.user_id, rule, ago(-1), NOWHERE)
        left = await tx.value(
            "select count(*) from airuns.ai_messages where user_id = %(id)s", id=dora.user_id
        )
    assert (made.count, left) == (1, 0)


async def test_two_processes_share_the_work_and_a_dead_one_hinders_none(
    own_database_url: str, tmp_path: Path
) -> None:
    db = Database(own_database_url, 6)
    await db.open()
    async with db.transaction(ALICE.who) as tx:
        for _ in range(250):
            await add(tx, "ai_runs", ALICE.user_id, deleted_at=ago(60))
        await store.put_rules(tx, ALICE.user_id, [Rule(action="purge")])
    assert await store.claim(db) == ALICE.user_id  # by one that dies now
    assert await store.claim(db) is None
    async with db.transaction(ALICE.who) as tx:
        await tx.execute("update airuns.retention set leased_until = now()")
    told: list[str] = []
    news = News(lambda _, name, data: told.append(data["action"]))
    both = [Upkeep(db, news, tmp_path) for _ in range(2)]
    for each in both:
        each.start()
    try:
        async with asyncio.timeout(15):
            while True:
                async with db.transaction(ALICE.who) as tx:
                    found = await store.read(tx, ALICE.user_id)
                if found.last_pass and found.last_pass.ended_at:
                    break
                await asyncio.sleep(0.02)
    finally:
        for each in both:
            await each.stop()
        await db.close()
    assert found.last_pass.purged == 250
    assert told == ["purge"] * 3


MESSAGES = [{"role": "user", "content": "x"}]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["archive", "delete", "restore", "purge", "empty", "tag", "prompt"]),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=8,
)
SUMMED = "sum(runs) as runs, sum(tasks) as tasks, sum(tokens_total) as tokens, sum(cost) as cost"
KEPT = f"select {SUMMED} from airuns.usage_by_hour where user_id = %(id)s and tag is null"  # noqa: S608
TRUE = """
    select (select count(*) from airuns.ai_runs where user_id = %(id)s) as runs,
        sum(tasks) as tasks, sum(tokens_total) as tokens, sum(cost) as cost
    from airuns.task_usage where user_id = %(id)s
"""
COUNTS = """
    select r.id
    from airuns.ai_runs as r
    left join airuns.ai_tasks as t on t.user_id = %(id)s and t.run_id = r.id
    where r.user_id = %(id)s
    group by r.user_id, r.id
    having r.task_count <> count(t.task_id) or r.total_cost is distinct from sum(t.cost)
"""


async def step(tx: Transaction, user_id: UUID, what: str, at: int, ids: list[UUID]) -> None:
    some = ids[at:]
    if what in ("archive", "delete", "restore"):
        await changes.change(tx, user_id, what, None, some)  # pyright: ignore[reportArgumentType]
    elif what == "tag":
        await changes.change(tx, user_id, "tag", f"t{at}", some)
    elif what == "purge":
        await store.apply(tx, user_id, Rule(action="purge", days=at + 1), ago(-at), NOWHERE)
    elif what == "empty":
        asked = await store.empty_trash(tx, user_id, RunFilter(tag=f"t{at}" if at else None))
        await store.empty(tx, user_id, asked, NOWHERE)
        await tx.execute("update airuns.retention set emptying = null")
    else:
        await store.purge_prompts(tx, user_id, ago(0))


def test_counts_and_usage_equal_the_sums_after_anything(
    new_person: NewPerson, db: Database, run: Run
) -> None:
    async def check(steps: list[tuple[str, int]], who: As) -> None:
        of_user = {"id": who.user_id}
        async with db.transaction(who) as tx:
            ids = [UUID(await old_run(tx, who.user_id)) for _ in range(6)]
        for what, at in steps:
            async with db.transaction(who) as tx:
                await step(tx, who.user_id, what, at, ids)
        async with db.transaction(who) as tx:
            kept = {name: value or 0 for name, value in (await tx.rows(KEPT, **of_user))[0].items()}
            true = {name: value or 0 for name, value in (await tx.rows(TRUE, **of_user))[0].items()}
            assert kept == true
            assert await tx.rows(COUNTS, **of_user) == []

    @settings(max_examples=15, deadline=None)
    @given(STEPS)
    def prop(steps: list[tuple[str, int]]) -> None:
        run(check(steps, new_person().who))

    prop()

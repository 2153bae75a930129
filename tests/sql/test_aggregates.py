"""The database keeps counts, totals and statuses right, whatever happens to tasks and messages."""

import asyncio
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import dict_row

from airuns.server.db.door import Database, Transaction, retried
from airuns.server.db.embedded import Cluster
from tests.conftest import Run, superuser
from tests.people import ALICE
from tests.sql.conftest import Row
from tests.sql.rows import add, become, put

ENDED = ("completed", "error", "timeout", "cancelled")
STATUSES = st.sampled_from(("pending", "streaming", *ENDED))
TOKENS = st.none() | st.integers(0, 10**12)
COSTS = st.none() | st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=12)
WHICH = st.integers(0, 7)
FAILURE = '{"message": "It\\n failed"}'

STEPS = st.one_of(
    st.tuples(st.just("start"), st.booleans(), STATUSES, TOKENS, COSTS),
    st.tuples(st.just("status"), WHICH, STATUSES),
    st.tuples(st.just("usage"), WHICH, TOKENS, COSTS),
    st.tuples(st.just("end"), WHICH, st.sampled_from(ENDED), TOKENS, COSTS),
    st.tuples(st.just("drop"), WHICH),
    st.tuples(st.just("say"), st.booleans(), WHICH),
)

COMPARED = """
    select r.id, r.status, r.preview, r.last_task_id, r.last_task_status, r.message_count,
        r.task_count, r.ended_task_count, r.counted_task_count,
        r.priced_task_count, r.total_tokens, r.total_cost, r.last_message_at, m.messages, m.latest,
        t.tasks, t.ended, t.counted, t.priced, t.tokens, t.spent
    from airuns.ai_runs as r
    cross join lateral (
        select count(*) as messages, max(created_at) as latest
        from airuns.ai_messages where user_id = r.user_id and run_id = r.id
    ) as m
    cross join lateral (
        select count(*) as tasks, count(completed_at) as ended, count(tokens_total) as counted,
            count(cost) as priced, sum(tokens_total) as tokens, sum(cost) as spent
        from airuns.ai_tasks where user_id = r.user_id and run_id = r.id
    ) as t
    where r.user_id = %(user_id)s and r.id = any(%(runs)s)
"""


def expected(known: int, ended: int, total: Decimal | None) -> Decimal | int | None:
    """Return a total by its column's comment: null when tasks have ended and nothing is known."""
    return None if ended and not known else total or 0


def check(row: Row) -> None:
    assert row["message_count"] == row["messages"]
    assert row["task_count"] == row["tasks"]
    assert row["ended_task_count"] == row["ended"]
    assert row["counted_task_count"] == row["counted"]
    assert row["priced_task_count"] == row["priced"]
    assert row["total_tokens"] == expected(row["counted"], row["ended"], row["tokens"])
    assert row["total_cost"] == expected(row["priced"], row["ended"], row["spent"])


class Story:
    """Two runs of Alice, what happens in them, and the statuses that they should have."""

    def __init__(self, connection: Connection[Row]) -> None:
        self.connection = connection
        become(connection, "airuns_app", ALICE)
        self.runs = [put(connection, "ai_runs", ALICE.user_id) for _ in range(2)]
        self.tasks: dict[UUID, tuple[UUID, str]] = {}
        self.messages: list[tuple[UUID, UUID]] = []
        self.statuses = dict.fromkeys(self.runs, "active")
        self.previews = dict.fromkeys(self.runs, "")

    def apply(self, step: tuple[Any, ...]) -> None:
        """Do one step; one about a task or a message that is not there does nothing."""
        kind, *rest = step
        getattr(self, kind)(*rest)
        rows = self.connection.execute(COMPARED, {"user_id": ALICE.user_id, "runs": self.runs})
        for row in rows:
            check(row)
            assert row["status"] == self.statuses[row["id"]]
            assert row["preview"] == self.previews[row["id"]]
            newest = self._newest(row["id"])
            assert row["last_task_id"] == newest
            assert row["last_task_status"] == (
                self._shown(self.tasks[newest][1]) if newest else None
            )

    def start(self, second: bool, status: str, tokens: int | None, cost: Decimal | None) -> None:
        run_id = self.runs[second]
        task_id = put(
            self.connection, "ai_tasks", ALICE.user_id,
            run_id=run_id, status=status, tokens_total=tokens, cost=cost, response_errors=FAILURE,
        )  # fmt: skip
        self.tasks[task_id] = (run_id, status)
        if status in ("error", "timeout"):
            self.statuses[run_id] = "error"
            self.previews[run_id] = "It failed"
        elif status not in ENDED or (status == "completed" and self.statuses[run_id] == "error"):
            self.statuses[run_id] = "active"

    def status(self, which: int, status: str) -> None:
        self._update(which, status, "status = %(status)s", {})

    def end(self, which: int, status: str, tokens: int | None, cost: Decimal | None) -> None:
        self._update(
            which, status,
            "status = %(status)s, tokens_total = %(tokens)s, cost = %(cost)s",
            {"tokens": tokens, "cost": cost},
        )  # fmt: skip

    def _update(self, which: int, status: str, columns: str, values: dict[str, Any]) -> None:
        task_id = self._task(which)
        if task_id is None:
            return
        run_id, was = self.tasks[task_id]
        query = f"update airuns.ai_tasks set {columns} where task_id = %(task_id)s"  # noqa: S608
        values = {**values, "status": status, "task_id": task_id}
        if was in ENDED and status != was:
            with pytest.raises(psycopg.Error) as error, self.connection.transaction():
                self.connection.execute(query.encode(), values)
            assert error.value.sqlstate == "AR001"
            return
        self.connection.execute(query.encode(), values)
        self.tasks[task_id] = (run_id, status)
        if status == was:
            return
        if status in ("error", "timeout"):
            self.statuses[run_id] = "error"
            if task_id == self._newest(run_id):
                self.previews[run_id] = "It failed"
        elif status == "completed" and self.statuses[run_id] == "error":
            self.statuses[run_id] = "active"

    def usage(self, which: int, tokens: int | None, cost: Decimal | None) -> None:
        self.connection.execute(
            "update airuns.ai_tasks set tokens_total = %s, cost = %s where task_id = %s",
            (tokens, cost, self._task(which)),
        )

    def drop(self, which: int) -> None:
        task_id = self._task(which)
        self.connection.execute("delete from airuns.ai_tasks where task_id = %s", (task_id,))
        self.tasks.pop(task_id, None)

    def say(self, second: bool, which: int) -> None:
        run_id = self.runs[second]
        parents = [message_id for message_id, of_run in self.messages if of_run == run_id]
        parent = parents[which] if which < len(parents) else None
        below: dict[str, Any] = {"parent_id": parent, "depth": 1} if parent else {}
        text = f"Message {len(self.messages)}"
        message_id = put(
            self.connection, "ai_messages", ALICE.user_id, run_id=run_id, content=text, **below
        )
        self.messages.append((message_id, run_id))
        self.previews[run_id] = text

    def _newest(self, run_id: UUID) -> UUID | None:
        return next((each for each, (of, _) in reversed(self.tasks.items()) if of == run_id), None)

    @staticmethod
    def _shown(status: str) -> str:
        return status if status in ENDED else "pending"

    def _task(self, which: int) -> UUID | None:
        return list(self.tasks)[which] if which < len(self.tasks) else None


@pytest.fixture(scope="module")
def quiet(new_database: Callable[[], str]) -> Generator[Connection[Row]]:
    """A connection to a database of this module's own."""
    with psycopg.connect(new_database(), row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=20))
def test_after_any_steps_the_sums_are_those_of_the_tasks(
    quiet: Connection[Row], steps: list[tuple[Any, ...]]
) -> None:
    with quiet.transaction(force_rollback=True):
        story = Story(quiet)
        for step in steps:
            story.apply(step)


def one(connection: Connection[Row], query: str, *params: Any) -> Row:
    row = connection.execute(query.encode(), params).fetchone()
    assert row is not None
    return row


@pytest.fixture
def alice_sql(owner: Connection[Row]) -> Connection[Row]:
    """A plain connection in a transaction of Alice's."""
    become(owner, "airuns_app", ALICE)
    return owner


def test_unknown_is_null_and_zero_is_zero(alice_sql: Connection[Row]) -> None:
    totals = "select total_tokens, total_cost from airuns.ai_runs where id = %s"
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    assert one(alice_sql, totals, run_id) == {"total_tokens": 0, "total_cost": 0}
    put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, status="error")
    assert one(alice_sql, totals, run_id) == {"total_tokens": None, "total_cost": None}
    put(
        alice_sql, "ai_tasks", ALICE.user_id,
        run_id=run_id, status="completed", tokens_total=0, cost=0,
    )  # fmt: skip
    assert one(alice_sql, totals, run_id) == {"total_tokens": 0, "total_cost": 0}


def test_an_archived_run_that_failed_still_says_so(alice_sql: Connection[Row]) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, status="timeout")
    alice_sql.execute("update airuns.ai_runs set archived_at = now() where id = %s", (run_id,))
    row = one(alice_sql, "select status from airuns.ai_runs where id = %s", run_id)
    assert row["status"] == "error"


def test_a_later_price_of_a_failed_task_leaves_the_run_recovered(
    alice_sql: Connection[Row],
) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    failed = put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, status="error")
    put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, status="completed")
    alice_sql.execute("update airuns.ai_tasks set cost = 1 where task_id = %s", (failed,))
    row = one(alice_sql, "select status, total_cost from airuns.ai_runs where id = %s", run_id)
    assert row == {"status": "active", "total_cost": 1}


def test_completed_at_comes_with_the_end_and_stays(alice_sql: Connection[Row]) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    task_id = put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id)
    ended = "select completed_at from airuns.ai_tasks where task_id = %s"
    update = "update airuns.ai_tasks set status = %s where task_id = %s"
    for status, has_ended in (("streaming", False), ("cancelled", True), ("cancelled", True)):
        alice_sql.execute(update, (status, task_id))
        assert (one(alice_sql, ended, task_id)["completed_at"] is not None) == has_ended


@pytest.mark.parametrize("table", ["ai_runs", "prompts", "ai_models", "model_providers"])
def test_a_change_is_dated(alice_sql: Connection[Row], table: str) -> None:
    more = {"provider": "dated", "name": "m"} if table == "ai_models" else {}
    more |= {"protocol": "openai", "name": "dated"} if table == "model_providers" else {}
    row_id = put(alice_sql, table, ALICE.user_id, updated_at="2000-01-01", **more)
    rename = f"update airuns.{table} set name = 'new' where id = %s".encode()  # noqa: S608
    alice_sql.execute(rename, (row_id,))
    dated = f"select updated_at = now() as now from airuns.{table} where id = %s"  # noqa: S608
    assert one(alice_sql, dated, row_id) == {"now": True}


def test_messages_move_a_run_up_and_never_back(alice_sql: Connection[Row]) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id, last_message_at="2026-01-01 00:00Z")
    latest = "select last_message_at::date::text as day from airuns.ai_runs where id = %s"
    for said, day in (("2026-03-01", "2026-03-01"), ("2026-02-01", "2026-03-01")):
        put(alice_sql, "ai_messages", ALICE.user_id, run_id=run_id, created_at=f"{said} 12:00Z")
        assert one(alice_sql, latest, run_id)["day"] == day


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  **Hello**\n\tworld \n", "**Hello** world"),
        ("x" * 500, "x" * 160),
        ("y" * 159 + " z", "y" * 159),
        ("é" * 200, "é" * 160),
        (" \n", "before"),
        ("", "before"),
    ],
)
def test_the_preview_is_how_the_last_message_with_text_begins(
    alice_sql: Connection[Row], said: str, shown: str
) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    for content in ("before", said):
        put(alice_sql, "ai_messages", ALICE.user_id, run_id=run_id, content=content)
    row = one(alice_sql, "select preview from airuns.ai_runs where id = %s", run_id)
    assert row["preview"] == shown


def test_of_messages_added_at_once_the_last_is_the_preview(alice_sql: Connection[Row]) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    for content, added in (("first", 0), ("last", 2)):
        put(alice_sql, "ai_messages", ALICE.user_id, run_id=run_id, content=content, added=added)
    row = one(alice_sql, "select preview from airuns.ai_runs where id = %s", run_id)
    assert row["preview"] == "last"


def test_a_failure_after_some_text_leaves_the_text_as_preview(alice_sql: Connection[Row]) -> None:
    run_id = put(alice_sql, "ai_runs", ALICE.user_id)
    put(alice_sql, "ai_messages", ALICE.user_id, run_id=run_id, content="So far")
    more = {"response_text": "So far", "response_errors": FAILURE, "status": "timeout"}
    put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, **more)
    query = "select preview, last_task_status as status from airuns.ai_runs where id = %s"
    assert one(alice_sql, query, run_id) == {"preview": "So far", "status": "timeout"}


def test_a_task_gets_the_source_of_its_run(alice_sql: Connection[Row]) -> None:
    prompt_id = put(alice_sql, "prompts", ALICE.user_id)
    run_id = put(
        alice_sql, "ai_runs", ALICE.user_id, source_type="prompt", source_id=str(prompt_id)
    )
    task_id = put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id, prompt_id=uuid4())
    query = "select source_type, prompt_id from airuns.ai_tasks where task_id = %s"
    assert one(alice_sql, query, task_id) == {"source_type": "prompt", "prompt_id": prompt_id}


def test_a_task_stays_in_its_run(alice_sql: Connection[Row]) -> None:
    run_id, other = (put(alice_sql, "ai_runs", ALICE.user_id) for _ in range(2))
    put(alice_sql, "ai_tasks", ALICE.user_id, run_id=run_id)
    with pytest.raises(psycopg.Error) as error:
        alice_sql.execute(
            "update airuns.ai_tasks set run_id = %s where run_id = %s", (other, run_id)
        )
    assert error.value.sqlstate == "AR002"


@pytest.fixture
def impatient(new_database: Callable[[], str], cluster: Cluster) -> str:
    """A database that looks for deadlocks after 20 ms."""
    url = new_database()
    name = url.split("/")[3].split("?")[0]
    with superuser(cluster) as connection:
        connection.execute(f"alter database {name} set deadlock_timeout = '20ms'".encode())
    return url


@pytest.fixture
def impatient_db(impatient: str, run: Run) -> Generator[Database]:
    """The door to that database."""
    database = Database(impatient, 8)
    run(database.open())
    yield database
    run(database.close())


async def new_runs(db: Database, count: int) -> list[UUID]:
    async with db.transaction(ALICE.who) as tx:
        return [await add(tx, "ai_runs", ALICE.user_id) for _ in range(count)]


async def compared(db: Database, runs: list[UUID]) -> list[Row]:
    """Return the runs beside the sums over their tasks, once these agree."""
    async with db.transaction(ALICE.who) as tx:
        rows = await tx.rows(COMPARED, user_id=ALICE.user_id, runs=runs)
    for row in rows:
        check(row)
    return rows


async def test_concurrent_completions_sum_up_without_a_deadlock(impatient_db: Database) -> None:
    runs = await new_runs(impatient_db, 2)

    async def work(number: int) -> None:
        for _ in range(10):
            for run_id in runs if number % 2 else reversed(runs):
                async with impatient_db.transaction(ALICE.who) as tx:
                    await _complete(tx, run_id, number)

    await asyncio.gather(*map(work, range(8)))
    for row in await compared(impatient_db, runs):
        assert row["task_count"] == row["ended_task_count"] == 8 * 10
        assert row["total_tokens"] == sum(range(8)) * 10
        assert row["total_cost"] == Decimal("0.001") * 8 * 10


async def test_a_deadlock_is_tried_again_and_counts_once(impatient_db: Database) -> None:
    runs = await new_runs(impatient_db, 2)
    both_have_one = asyncio.Barrier(2)
    tries: list[UUID] = []

    @retried
    async def cross(first: UUID, second: UUID) -> None:
        async with impatient_db.transaction(ALICE.who) as tx:
            await _complete(tx, first, 1)
            tries.append(first)
            if tries.count(first) == 1:
                await both_have_one.wait()
            await _complete(tx, second, 1)

    await asyncio.gather(cross(*runs), cross(*reversed(runs)))
    assert len(tries) > 2
    for row in await compared(impatient_db, runs):
        assert (row["task_count"], row["total_tokens"]) == (2, 2)


async def _complete(tx: Transaction, run_id: UUID, number: int) -> None:
    task_id = await add(tx, "ai_tasks", ALICE.user_id, run_id=run_id, status="streaming")
    await tx.execute(
        "update airuns.ai_tasks set status = 'completed', tokens_total = %(tokens)s,"
        " cost = 0.001 where user_id = %(user_id)s and task_id = %(task_id)s",
        user_id=ALICE.user_id,
        task_id=task_id,
        tokens=number,
    )

"""Whatever happens to tasks and runs, the usage is the sum over the tasks, to the last digit."""

import re
from collections.abc import Callable, Generator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import dict_row

from airuns.server.db.door import Database
from airuns.server.usage import keeping
from airuns.server.usage.histograms import percentiles
from tests.conftest import Run
from tests.people import ALICE
from tests.serving import airuns
from tests.sql.rows import add, become, put

Row = dict[str, Any]

ENDED = ("completed", "error", "timeout", "cancelled")
UNITS = {"hour": "hourly", "day": "daily", "month": "monthly"}
WHICH = st.integers(0, 5)
TAGS = st.lists(st.sampled_from(["red", "green", "blue"]), max_size=4)
USAGE = st.fixed_dictionaries(
    {
        "model": st.sampled_from([None, "a", "b"]),
        "tokens_input": st.none() | st.integers(100, 10**9),
        "tokens_cache_read": st.none() | st.integers(0, 100),
        "tokens_output": st.none() | st.integers(0, 10**9),
        "tokens_total": st.none() | st.integers(0, 10**9),
        "cost": st.none() | st.decimals(0, 10**6, places=12),
        "time_to_first_token": st.none() | st.floats(0, 1e6),
        "total_time": st.none() | st.floats(0, 1e6),
        "usage_estimated": st.booleans(),
        "created_at": st.sampled_from(
            ["2026-03-01 10:59Z", "2026-03-01 11:00Z", "2026-03-02Z", "2026-04-30Z"]
        ),
    }
)
STEPS = st.one_of(
    st.tuples(st.just("begin"), TAGS),
    st.tuples(st.just("record"), WHICH, st.sampled_from(("pending", "streaming", *ENDED)), USAGE),
    st.tuples(st.just("end"), WHICH, st.sampled_from(ENDED), USAGE),
    st.tuples(st.just("correct"), WHICH, USAGE),
    st.tuples(st.just("drop"), WHICH),
    st.tuples(st.just("tag"), WHICH, TAGS),
    st.tuples(st.just("remove"), WHICH),
    st.tuples(st.just("purge"), WHICH),
    st.tuples(st.just("fold"), st.integers(1, 5)),
)


class Story:
    """Runs of Alice, what happens in them, and what the usage then is."""

    def __init__(self, connection: Connection[Row]) -> None:
        self.connection = connection
        become(connection, "airuns_app", ALICE)
        self.runs: list[UUID] = []
        self.tasks: list[UUID] = []

    def begin(self, tags: list[str]) -> None:
        values = {"tags": tags, "created_at": "2026-03-01 10:00Z"}
        self.runs.append(put(self.connection, "ai_runs", ALICE.user_id, **values))

    def record(self, which: int, status: str, usage: Row) -> None:
        if self.runs:
            values = {**self._possible(usage), "run_id": self.runs[which % len(self.runs)]}
            values |= {"status": status, "response_errors": '{"code": "x"}'}
            self.tasks.append(put(self.connection, "ai_tasks", ALICE.user_id, **values))

    def end(self, which: int, status: str, usage: Row) -> None:
        query = "update airuns.ai_tasks set status = %s where task_id = %s and completed_at is null"
        self._execute(query, status, self._of(self.tasks, which))
        self.correct(which, usage)

    def correct(self, which: int, usage: Row) -> None:
        values = self._possible(usage)
        columns = ", ".join(f"{name} = %s" for name in values)
        query = f"update airuns.ai_tasks set {columns} where task_id = %s"  # noqa: S608
        self._execute(query, *values.values(), self._of(self.tasks, which))

    def drop(self, which: int) -> None:
        query = "delete from airuns.ai_tasks where task_id = %s"
        self._execute(query, self._of(self.tasks, which))

    def tag(self, which: int, tags: list[str]) -> None:
        query = "update airuns.ai_runs set tags = %s where id = %s"
        self._execute(query, tags, self._of(self.runs, which))

    def remove(self, which: int) -> None:
        """Delete a run alone: its tasks go by their foreign key."""
        self._execute("delete from airuns.ai_runs where id = %s", self._of(self.runs, which))
        self._forget(which)

    def purge(self, which: int) -> None:
        """Delete a run as the application does: together with its tasks."""
        self._execute(
            "with gone as (delete from airuns.ai_runs where id = %s returning id)"
            " delete from airuns.ai_tasks as t using gone as g where t.run_id = g.id",
            self._of(self.runs, which),
        )
        self._forget(which)

    def fold(self, most: int) -> None:
        self._execute("select airuns.fold_usage(%s, %s)", ALICE.user_id, most)

    def check(self) -> None:
        for query in keeping.WRONG.values():
            params = {"user_id": ALICE.user_id, "most": 10}
            assert self.connection.execute(query.encode(), params).fetchall() == []
        wrong_runs = keeping.SQL["wrong_runs"].encode()
        params = {"user_id": ALICE.user_id, "most": 10}
        assert self.connection.execute(wrong_runs, params).fetchall() == []

    def _execute(self, query: str, *params: Any) -> None:
        self.connection.execute(query.encode(), params)

    def _forget(self, which: int) -> None:
        if which < len(self.runs):
            self.runs.pop(which)
        query = "select task_id from airuns.ai_tasks order by task_id"
        self.tasks = [row["task_id"] for row in self.connection.execute(query)]

    @staticmethod
    def _of(ids: list[UUID], which: int) -> UUID | None:
        return ids[which] if which < len(ids) else None

    @staticmethod
    def _possible(usage: Row) -> Row:
        cached = None if usage["tokens_input"] is None else usage["tokens_cache_read"]
        return {**usage, "tokens_cache_read": cached}


@pytest.fixture(scope="module")
def quiet(new_database: Callable[[], str]) -> Generator[Connection[Row]]:
    """A connection to a database of this module's own."""
    with psycopg.connect(new_database(), row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=4, max_size=20))
def test_after_any_steps_the_usage_is_the_sum_over_the_tasks(
    quiet: Connection[Row], steps: list[tuple[Any, ...]]
) -> None:
    with quiet.transaction(force_rollback=True):
        story = Story(quiet)
        story.begin(["red"])
        for kind, *rest in steps:
            getattr(story, kind)(*rest)
            story.check()
        kept = _kept(quiet)
        quiet.execute("select airuns.rebuild_usage(%s)", [ALICE.user_id])
        story.check()
        assert _kept(quiet) == kept


def _kept(connection: Connection[Row]) -> Row | None:
    """Return what the dashboard would read: sums over all months, changes included."""
    return connection.execute(
        "select coalesce(sum(tasks), 0) as tasks, coalesce(sum(cost), 0) as cost,"
        " coalesce(sum(runs), 0) as runs, coalesce(sum(total_time_histogram), 0) as histogram"
        " from airuns.usage_parts_by_month where about = 'all'"
    ).fetchone()


def test_what_falls_to_nothing_leaves_no_row(quiet: Connection[Row]) -> None:
    with quiet.transaction(force_rollback=True):
        story = Story(quiet)
        story.begin(["red", "red"])
        run_id = story.runs[0]
        put(
            quiet, "ai_tasks", ALICE.user_id, run_id=run_id, status="completed", cost=Decimal("0.1")
        )
        story.fold(1000)
        story.purge(0)
        story.fold(1000)
        parts = [f"usage_parts_{unit}" for unit in UNITS.values()]
        for table in ("usage_hourly", *parts, "usage_changes"):
            assert quiet.execute(f"select from airuns.{table}".encode()).rowcount == 0


@settings(max_examples=30, deadline=None)
@given(times=st.lists(st.floats(0.001, 1e5), min_size=1, max_size=60))
def test_percentiles_are_within_five_percent(quiet: Connection[Row], times: list[float]) -> None:
    query = "select sum(airuns.latency_bucket(t)) as h from unnest(%s::float8[]) as u (t)"
    row = quiet.execute(query, [times]).fetchone()
    assert row is not None
    ordered = sorted(times)
    for rank in (0.5, 0.95, 0.99):
        exact = ordered[max(0, -int(-rank * len(ordered) // 1) - 1)]
        [found] = percentiles(str(row["h"]), rank)
        assert found == pytest.approx(exact, rel=0.05)


def test_of_no_times_there_is_no_percentile() -> None:
    assert percentiles("0", 0.5, 0.99) == (None, None)


@pytest.fixture
def own_db(own_database_url: str, run: Run) -> Generator[Database]:
    """The door to a database of the test's own."""
    database = Database(own_database_url, 2)
    run(database.open())
    yield database
    run(database.close())


async def test_what_is_wrong_is_found_and_repaired(own_db: Database) -> None:
    async with own_db.transaction(ALICE.who) as tx:
        run_id = await add(tx, "ai_runs", ALICE.user_id, tags=["red"])
        values = {"run_id": run_id, "status": "completed", "model": "m", "cost": Decimal("0.25")}
        await add(tx, "ai_tasks", ALICE.user_id, **values)
    assert await keeping.fold_all(own_db) == 4
    async with own_db.transaction(ALICE.who) as tx:
        assert await keeping.differences(tx, ALICE.user_id) == []
        await tx.execute("update airuns.usage_hourly set cost = cost + 0.000001 where tasks > 0")
        await tx.execute("update airuns.ai_runs set total_cost = 7")
        found = await keeping.differences(tx, ALICE.user_id)
    assert len(found) == 3
    assert "tag=red" in found[1]
    assert "cost 0.250001 should be 0.25" in found[0]
    assert found[2] == f"run {run_id}: total_cost 7 should be 0.25"
    await keeping.repair(own_db, ALICE.who)
    async with own_db.transaction(ALICE.who) as tx:
        assert await keeping.differences(tx, ALICE.user_id) == []


async def test_wrong_parts_are_found(own_db: Database) -> None:
    async with own_db.transaction(ALICE.who) as tx:
        run_id = await add(tx, "ai_runs", ALICE.user_id)
        await add(tx, "ai_tasks", ALICE.user_id, run_id=run_id, status="completed", model="m")
    await keeping.fold_all(own_db)
    for unit, table in UNITS.items():
        async with own_db.transaction(ALICE.who) as tx:
            await tx.execute(
                f"update airuns.usage_parts_{table} set tasks = 2"  # noqa: S608
                " where about = 'model'"
            )
            [found] = await keeping.differences(tx, ALICE.user_id)
        assert found.startswith(f"part of {unit} ")
        assert found.endswith("(about=model, value=m): tasks 2 should be 1")
        await keeping.rebuild(own_db, ALICE.who)


def test_db_verify_says_what_differs_and_repairs_it(folder: Path, own_database_url: str) -> None:
    def verify(*more: str) -> tuple[int, str]:
        done = airuns(folder, "db", "verify", *more, AIRUNS_DATABASE_URL=own_database_url)
        return done.returncode, done.stdout

    with psycopg.connect(own_database_url) as connection:
        become(connection, "airuns_app", ALICE)
        run_id = put(connection, "ai_runs", ALICE.user_id)
        put(connection, "ai_tasks", ALICE.user_id, run_id=run_id, status="error")
    assert verify() == (0, "3 users verified, no differences.\n")
    with psycopg.connect(own_database_url) as connection:
        become(connection, "airuns_app", ALICE)
        connection.execute("delete from airuns.usage_changes where tasks = 1")
    code, said = verify("--user", "alice", "--repair")
    assert code == 1
    assert re.search(
        r"alice: hour \S+ \S+ UTC \(.*status=error\): tasks 0 should be 1, failed", said
    )
    assert verify() == (0, "3 users verified, no differences.\n")

"""The dashboard reads what it shows from indexes, not all the sums of a user."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from airuns.server.usage.filters import UsageFilter, span_of
from airuns.server.usage.reading import stepwise_query, whole_query
from tests.people import ALICE
from tests.sql.plans import executed
from tests.sql.rows import become

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PROMPT = UUID("00000000-0000-0000-0001-000000000005")
HOURS, VALUES = 60 * 24, 3
WEEK = {
    "since": BEGIN + timedelta(days=30, hours=23),
    "until": BEGIN + timedelta(days=37, hours=23),
}
FILL = (
    "insert into airuns.usage_parts_hourly (user_id, about, at, value, tasks)"
    " select %(user)s, a, %(at)s + n * interval '1 hour', v, 1"
    " from generate_series(1, %(hours)s) n,"
    " unnest('{all,model,prompt,status,tag}'::text[]) a, generate_series(1, %(values)s) v",
    "insert into airuns.usage_parts_daily (user_id, about, at, value, tasks)"
    " select %(user)s, a, %(at)s + n * interval '1 day', v, 1 from generate_series(1, 3650) n,"
    " unnest('{all,model,prompt,status,tag}'::text[]) a, generate_series(1, %(values)s) v",
    "insert into airuns.usage_parts_monthly (user_id, about, at, value, tasks)"
    " select %(user)s, a, %(at)s + n * interval '1 month', v, 30 from generate_series(0, 119) n,"
    " unnest('{all,model,prompt,status,tag}'::text[]) a, generate_series(1, %(values)s) v",
    "insert into airuns.usage_hourly (user_id, at, prompt_id, tasks, status)"
    " select %(user)s, %(at)s + n * interval '1 hour', ('00000000-0000-0000-0001-'"
    " || lpad(p::text, 12, '0'))::uuid, 1, 'completed'"
    " from generate_series(1, %(hours)s) n, generate_series(1, 12) p",
)


@pytest.fixture(scope="module")
def used(new_database: Any) -> Generator[Connection[Any]]:
    """A database in which Alice has sums of 60 days by hour, and of ten years by day."""
    with psycopg.connect(new_database()) as connection:
        become(connection, "airuns_app", ALICE)
        of = {"user": ALICE.user_id, "at": BEGIN, "hours": HOURS, "values": VALUES}
        for statement in FILL:
            connection.execute(statement, of)
        connection.execute("reset role")
        connection.execute("analyze airuns.usage_parts_hourly, airuns.usage_parts_daily")
        connection.execute("analyze airuns.usage_parts_monthly")
        connection.execute("analyze airuns.usage_hourly")
        become(connection, "airuns_app", ALICE)
        yield connection
        connection.rollback()


def test_parts_are_read_by_their_keys(used: Connection[Any]) -> None:
    which = UsageFilter(**WEEK, zone="Europe/Berlin", step="day")
    span = span_of(which)
    for query, params in (
        whole_query(which, span, ["all", "model", "status"], top=20),
        stepwise_query(which, span, "model", own=[("1", "")]),
    ):
        plan = executed(used, query, {**params, "user_id": ALICE.user_id})
        assert {"usage_parts_hourly_pkey", "usage_parts_daily_pkey"} <= plan.indexes, str(plan)
        assert plan.rows_read <= 7 * 24 * 3 * VALUES / 3, str(plan)  # of what the hours have


def test_a_year_is_read_by_months(used: Connection[Any]) -> None:
    which = UsageFilter(since=BEGIN + timedelta(days=9), until=BEGIN + timedelta(days=1829))
    query, params = whole_query(which, span_of(which), ["all", "tag"], top=2)
    plan = executed(used, query, {**params, "user_id": ALICE.user_id})
    assert "usage_parts_monthly_pkey" in plan.indexes, str(plan)
    assert plan.rows_read <= (60 + 2 * 31) * 2 * VALUES, str(plan)


def test_one_prompt_is_read_by_its_index(used: Connection[Any]) -> None:
    which = UsageFilter(**WEEK, prompt_id=PROMPT)
    query, params = whole_query(which, span_of(which), ["all", "model"])
    plan = executed(used, query, {**params, "user_id": ALICE.user_id})
    assert "usage_of_prompt" in plan.indexes, str(plan)
    assert plan.rows_read <= 10 * 24, str(plan)

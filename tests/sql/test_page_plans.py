"""What pages of runs read beside the lists costs what they show, with 100,000 runs stored."""

from collections.abc import Generator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from airuns.server.runs.lists import all_of, run_clauses
from airuns.server.runs.pages.sidebar import SQL, Asked
from tests.people import ALICE
from tests.sql.plans import executed
from tests.sql.rows import become

PROMPT = UUID("00000000-0000-0000-0001-000000000005")
PROMPTS = [UUID(int=(1 << 64) + number) for number in range(2, 12)]


@pytest.fixture
def hers(full: str) -> Generator[Connection[Any]]:
    """A connection as Alice."""
    with psycopg.connect(full) as connection:
        become(connection, "airuns_app", ALICE)
        yield connection
        connection.rollback()


def test_groups_are_found_one_look_up_a_prompt(hers: Connection[Any]) -> None:
    params = {"limit": 11, "counted": 1000, "after": None, "after_id": None}
    plan = executed(
        hers, SQL["run_groups"].format(filters=""), {"user_id": ALICE.user_id, **params}
    )
    assert "runs_of_source" in plan.indexes, str(plan)
    assert "Seq Scan" not in plan.kinds, str(plan)
    assert plan.rows_read <= 11 * 1000, str(plan)


def test_the_newest_runs_of_a_page_of_groups(hers: Connection[Any]) -> None:
    params = {"newest": 3, "prompt_ids": PROMPTS}
    plan = executed(
        hers, SQL["run_groups_newest"].format(filters=""), {"user_id": ALICE.user_id, **params}
    )
    assert "runs_of_source" in plan.indexes, str(plan)
    assert plan.rows_read <= 100, str(plan)


@pytest.mark.parametrize("asked", [Asked(prompt_id=PROMPT), Asked(prompt_id=PROMPT, scope="all")])
def test_the_count_of_the_sidebar_stops(hers: Connection[Any], asked: Asked) -> None:
    clauses, params = run_clauses(asked.filter())
    query = SQL["sidebar_count"].format(filters=all_of(clauses))
    plan = executed(hers, query, {"user_id": ALICE.user_id, "limit": 1000, **params})
    assert plan.rows_read <= 5000, str(plan)  # of 100,000, also when workers share the scan


def test_named_runs_are_looked_up_by_their_ids(hers: Connection[Any]) -> None:
    clauses, params = run_clauses(Asked().filter())
    query = SQL["runs_named"].format(filters=all_of(clauses))
    ids = [UUID(int=(2 << 64) + number) for number in range(50)]
    plan = executed(hers, query, {"user_id": ALICE.user_id, "ids": ids, **params})
    assert plan.rows_read <= 50, str(plan)
    assert "Seq Scan" not in plan.kinds, str(plan)

"""Views for people who query SQL directly."""

from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from tests.people import ALICE
from tests.sql.conftest import Row
from tests.sql.rows import become, put

HISTORY_COLUMNS = {
    "id": "uuid",
    "prompt_id": "uuid",
    "user_id": "uuid",
    "prompt_text": "text",
    "response": "text",
    "model": "text",
    "tokens_used": "bigint",
    "execution_time_ms": "bigint",
    "status": "text",
    "error_message": "text",
    "created_at": "timestamp with time zone",
}
"""As seed 5 has them; tokens and milliseconds may be many, so they are a bigint."""


@pytest.fixture
def alice_sql(owner: Connection[Row]) -> Connection[Row]:
    """A plain connection in a transaction of Alice's."""
    become(owner, "airuns_app", ALICE)
    return owner


@pytest.fixture
def prompt_run(alice_sql: Connection[Row]) -> dict[str, Any]:
    """What rows of a run of a prompt have in common."""
    prompt_id = put(alice_sql, "prompts", ALICE.user_id, name="Greeting")
    run_id = put(
        alice_sql, "ai_runs", ALICE.user_id,
        source_type="prompt", source_id=str(prompt_id), prompt_version=2,
        settings='{"model": "m"}', created_at="1999-01-01",
    )  # fmt: skip
    return {"user_id": ALICE.user_id, "run_id": run_id}


def test_prompt_run_history_has_the_columns_of_its_seed(alice_sql: Connection[Row]) -> None:
    columns = alice_sql.execute(
        "select attname, format_type(atttypid, atttypmod) as type from pg_attribute"
        " where attrelid = 'airuns.prompt_run_history'::regclass and attnum > 0"
    )
    types = {row["attname"]: row["type"] for row in columns}
    assert HISTORY_COLUMNS.items() <= types.items()


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("completed", "success"),
        ("error", "error"),
        ("timeout", "timeout"),
        ("cancelled", "cancelled"),
        ("pending", "pending"),
        ("streaming", "pending"),
    ],
)
def test_prompt_run_history_names_statuses_as_its_seed_does(
    alice_sql: Connection[Row], prompt_run: dict[str, Any], status: str, shown: str
) -> None:
    put(alice_sql, "ai_tasks", **prompt_run, status=status)
    rows = alice_sql.execute(
        "select status from airuns.prompt_run_history where run_id = %s", [prompt_run["run_id"]]
    )
    assert rows.fetchall() == [{"status": shown}]


def test_prompt_text_is_what_was_asked_since_the_last_answer(
    alice_sql: Connection[Row], prompt_run: dict[str, Any]
) -> None:
    parent = None
    asked = ["system", "user", "assistant", "user", "tool"]
    for depth, role in enumerate(asked):
        parent = put(
            alice_sql, "ai_messages", **prompt_run,
            parent_id=parent, depth=depth, role=role, content=f"{role} {depth}",
        )  # fmt: skip
        put(alice_sql, "ai_tasks", **prompt_run, request_message_id=parent, tokens_total=depth)
    rows = alice_sql.execute(
        "select prompt_text from airuns.prompt_run_history where run_id = %s order by tokens_used",
        [prompt_run["run_id"]],
    )
    texts = [row["prompt_text"] for row in rows]
    assert texts[1] == "system 0\n\nuser 1"
    assert texts[4] == "user 3\n\ntool 4"


def test_deleted_runs_are_in_no_view_of_runs(
    alice_sql: Connection[Row], prompt_run: dict[str, Any]
) -> None:
    put(alice_sql, "ai_tasks", **prompt_run)
    views = {
        "prompt_run_history": "run_id",
        "run_summaries": "id",
        "prompt_runs_with_details": "id",
    }
    for deleted in (False, True):
        if deleted:
            alice_sql.execute("update airuns.ai_runs set deleted_at = now()")
        for view, key in views.items():
            query = f"select * from airuns.{view} where {key} = %s"  # noqa: S608
            found = alice_sql.execute(query.encode(), [prompt_run["run_id"]]).rowcount
            assert found == (0 if deleted else 1), view


def test_run_views_show_the_prompt_and_the_model(
    alice_sql: Connection[Row], prompt_run: dict[str, Any]
) -> None:
    detail = alice_sql.execute(
        "select prompt_name, prompt_version from airuns.prompt_runs_with_details where id = %s",
        [prompt_run["run_id"]],
    ).fetchone()
    assert detail == {"prompt_name": "Greeting", "prompt_version": 2}
    summary = alice_sql.execute(
        "select model, is_archived from airuns.run_summaries where id = %s", [prompt_run["run_id"]]
    ).fetchone()
    assert summary == {"model": "m", "is_archived": False}


def test_task_analytics_counts_by_day_and_model(
    alice_sql: Connection[Row], prompt_run: dict[str, Any]
) -> None:
    of_day = {
        **prompt_run, "provider": "p", "model": "analytics", "status": "completed",
        "created_at": "1999-12-31 23:30-01",
    }  # fmt: skip
    put(alice_sql, "ai_tasks", **of_day, cost="0.1", tokens_total=3, total_time=1)
    put(alice_sql, "ai_tasks", **of_day, cost=0, tokens_total=0, total_time=2)
    put(alice_sql, "ai_tasks", **of_day)
    row = alice_sql.execute(
        "select day, task_count, tokens_total, cost::text as cost, unpriced_task_count,"
        " avg_total_time from airuns.task_analytics where model = 'analytics'"
    ).fetchone()
    assert row == {
        "day": date(2000, 1, 1),
        "task_count": 3,
        "tokens_total": 3,
        "cost": "0.1",
        "unpriced_task_count": 1,
        "avg_total_time": 1.5,
    }

"""A transaction narrowed to one run, as for somebody it is shared with, stays inside that run."""

from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection, errors, sql

from airuns.server.db.door import As, Database
from tests.people import ALICE
from tests.sql.alice import (
    ID,
    NARROWED,
    OTHER_RUN,
    ROWS,
    affected,
    deleting,
    key,
    selecting,
    updating,
)
from tests.sql.rows import become, insert


@pytest.mark.parametrize("table", ROWS)
def test_a_transaction_narrowed_to_a_run_sees_that_run_only(
    raw: Connection[Any], table: str
) -> None:
    become(raw, "airuns_app", ALICE, run_id=ID)
    everything = sql.SQL("select * from airuns.{}").format(sql.Identifier(table))
    assert affected(raw, everything) == (1 if table in NARROWED else 0)
    become(raw, "airuns_app", ALICE, run_id=OTHER_RUN)
    assert affected(raw, selecting(table), [key(table)[1]]) == 0
    for statement in (updating, deleting):
        assert affected(raw, statement(table), [key(table)[1]]) == 0


@pytest.mark.parametrize("table", ROWS)
def test_a_narrowed_transaction_adds_to_its_run_only(raw: Connection[Any], table: str) -> None:
    become(raw, "airuns_app", ALICE, run_id=OTHER_RUN)
    values = {**ROWS[table][1], key(table)[0]: uuid4()}
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute(insert(table, values), values)


@pytest.mark.parametrize("view", ["run_summaries", "prompt_run_history", "task_analytics"])
def test_views_are_narrowed_too(raw: Connection[Any], view: str) -> None:
    become(raw, "airuns_app", ALICE, run_id=ID)
    everything = sql.SQL("select * from airuns.{}").format(sql.Identifier(view))
    assert affected(raw, everything) == 1
    become(raw, "airuns_app", ALICE, run_id=OTHER_RUN)
    assert affected(raw, everything) == (1 if view == "run_summaries" else 0)


def test_a_narrowed_transaction_moves_nothing_out_of_its_run(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", ALICE, run_id=ID)
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute(
            "update airuns.ai_tasks set run_id = %s, request_message_id = null", [OTHER_RUN]
        )


def test_a_grant_to_write_writes(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", ALICE, run_id=ID)
    message = {**ROWS["ai_messages"][1], "id": uuid4()}
    raw.execute(insert("ai_messages", message), message)
    assert raw.execute("select message_count from airuns.ai_runs").fetchall() == [(2,)]


@pytest.mark.parametrize("narrow", [{}, {"run_id": ID}])
@pytest.mark.parametrize("table", ROWS)
def test_a_grant_to_read_writes_nothing(
    raw: Connection[Any], table: str, narrow: dict[str, Any]
) -> None:
    become(raw, "airuns_app", ALICE, access="read", **narrow)
    for statement in (updating, deleting):
        assert affected(raw, statement(table), [key(table)[1]]) == 0
    values = {**ROWS[table][1], key(table)[0]: uuid4()}
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute(insert(table, values), values)


async def test_the_door_opens_a_run_to_a_grantee(url: str) -> None:
    db = Database(url, 1)
    await db.open()
    try:
        async with db.transaction(As(ALICE.user_id, run_id=ID, access="read")) as tx:
            assert await tx.rows("select id from airuns.ai_runs") == [{"id": ID}]
            assert await tx.execute("delete from airuns.ai_tasks") == 0
    finally:
        await db.close()

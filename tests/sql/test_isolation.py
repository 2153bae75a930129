"""Another user's rows do not exist, whatever SQL is sent: attacks on every table."""

from collections.abc import Callable
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from psycopg import Connection, errors, sql

from tests.people import ALICE, CHARLIE
from tests.sql.alice import HASH, ID, ROWS, SECRET, affected, deleting, key, selecting, updating
from tests.sql.rows import become, insert

Attack = Callable[[Connection[Any]], None]


def as_charlie(connection: Connection[Any]) -> None:
    become(connection, "airuns_app", CHARLIE)


def as_nobody(connection: Connection[Any]) -> None:
    become(connection, "airuns_app")


def as_after_a_commit(connection: Connection[Any]) -> None:
    connection.execute("set local airuns.user_id = ''")
    become(connection, "airuns_app")


def as_owner_of_the_schema(connection: Connection[Any]) -> None:
    connection.execute("set local role none")


ATTACKERS: list[Attack] = [as_charlie, as_nobody, as_after_a_commit, as_owner_of_the_schema]


def test_every_table_is_attacked(raw: Connection[Any]) -> None:
    tables = raw.execute(
        "select relname from pg_class where relnamespace = 'airuns'::regnamespace"
        " and relkind in ('r', 'p') and relname <> 'schema_version'"
    )
    assert {name for (name,) in tables} == ROWS.keys()


@pytest.mark.parametrize(
    "table", [name for name, (role, _) in ROWS.items() if role != "airuns_service"]
)
def test_alice_herself_sees_her_row(raw: Connection[Any], table: str) -> None:
    become(raw, "airuns_app", ALICE)
    assert affected(raw, selecting(table), [key(table)[1]]) == 1


@pytest.mark.parametrize("attacker", ATTACKERS)
@pytest.mark.parametrize("table", ROWS)
def test_others_can_neither_read_nor_change_it(
    raw: Connection[Any], table: str, attacker: Attack
) -> None:
    attacker(raw)
    for statement in (selecting, updating, deleting):
        assert affected(raw, statement(table), [key(table)[1]]) == 0
    everything = sql.SQL("select * from airuns.{}").format(sql.Identifier(table))
    seen = affected(raw, everything)
    assert seen == (1 if attacker is as_charlie and table in ("users", "api_keys") else 0)


@pytest.mark.parametrize("attacker", ATTACKERS)
@pytest.mark.parametrize("table", ROWS)
def test_others_cannot_add_a_row_of_hers(
    raw: Connection[Any], table: str, attacker: Attack
) -> None:
    values = {**ROWS[table][1], key(table)[0]: uuid4()}
    attacker(raw)
    with pytest.raises(errors.InsufficientPrivilege) as error:
        raw.execute(insert(table, values), values)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "query",
    [
        "select * from airuns.ai_runs as r join airuns.ai_messages as m on m.user_id = r.user_id",
        "select * from airuns.users as u, lateral (select * from airuns.ai_tasks) as t",
        "with t as (select * from airuns.ai_tasks) select * from t",
        "with recursive m as (select id, 0 as n from airuns.ai_messages union all"
        " select x.id, n + 1 from airuns.ai_messages as x join m on n < 2) select * from m",
        "select name from airuns.prompts union all select content from airuns.ai_messages",
        "select (select max(content) from airuns.ai_messages) having max(1) = 0",
        "select count(*) from airuns.ai_runs having count(*) > 0",
        "select * from airuns.run_summaries",
        "select * from airuns.prompt_runs_with_details",
        "select * from airuns.task_analytics",
        "select * from airuns.prompt_run_history",
        "select * from airuns.task_prompt_text(%(alice)s, %(id)s) as text where text is not null",
        "select * from airuns.ai_runs for update",
        "select * from airuns.ai_runs tablesample system (100)",
        "update airuns.ai_runs set name = 'x' returning *",
        "delete from airuns.ai_messages returning *",
        "merge into airuns.ai_runs as r using (select 1) as s on true"
        " when matched then update set name = 'x'",
        "select * from airuns.ai_runs where id = %(id)s or 1 = 1",
        "select * from airuns.ai_runs where exists (select from airuns.ai_messages)",
    ],
)
@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_query_finds_anything(
    raw: Connection[Any], query: LiteralString, attacker: Attack
) -> None:
    attacker(raw)
    assert affected(raw, query, {"alice": ALICE.user_id, "id": ID}) == 0


def test_a_cheap_function_in_a_filter_is_not_shown_her_rows(raw: Connection[Any]) -> None:
    as_charlie(raw)
    raw.execute(
        "create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001"
        " as 'begin raise notice ''%', $1; return true; end'".replace("''%', $1", "''%'', $1")
    )
    notices: list[str | None] = []
    raw.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    raw.execute("select * from airuns.ai_messages where pg_temp.leak(content)")
    raw.execute("select * from airuns.prompt_run_history where pg_temp.leak(response)")
    assert notices == []
    become(raw, "airuns_app", ALICE)
    raw.execute("select * from airuns.ai_messages where pg_temp.leak(content)")
    assert notices == [SECRET, SECRET]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("prompt_versions", {}),
        ("ai_runs", {}),
        ("ai_messages", {}),
        ("ai_tasks", {"request_message_id": None, "model_id": None}),
        ("attachments", {}),
    ],
)
def test_a_row_of_ones_own_cannot_point_at_hers(
    raw: Connection[Any], table: str, values: dict[str, Any]
) -> None:
    as_charlie(raw)
    row = {**ROWS[table][1], **values, "user_id": CHARLIE.user_id}
    with pytest.raises(errors.ForeignKeyViolation) as error:
        raw.execute(insert(table, row), row)
    assert SECRET not in str(error.value)
    assert str(ALICE.user_id) not in str(error.value)


@pytest.mark.parametrize("column", ["request_message_id", "model_id"])
def test_a_task_of_ones_own_cannot_point_at_hers(raw: Connection[Any], column: str) -> None:
    as_charlie(raw)
    run = {"user_id": CHARLIE.user_id, "id": ID, "source_type": "chat", "name": "Mine"}
    raw.execute(insert("ai_runs", run), run)
    task = {"user_id": CHARLIE.user_id, "task_id": ID, "run_id": ID, column: ID}
    with pytest.raises(errors.ForeignKeyViolation):
        raw.execute(insert("ai_tasks", task), task)


def test_the_same_ids_do_not_collide_and_change_nothing_of_hers(raw: Connection[Any]) -> None:
    as_charlie(raw)
    for table in ("prompts", "ai_runs", "ai_messages", "ai_models", "model_providers"):
        row = {**ROWS[table][1], "user_id": CHARLIE.user_id}
        raw.execute(insert(table, row), row)
    raw.execute("update airuns.ai_runs set name = 'x'")
    raw.execute("delete from airuns.prompts")
    become(raw, "airuns_app", ALICE)
    names = raw.execute("select name, message_count from airuns.ai_runs").fetchall()
    assert names == [(SECRET, 1), (SECRET, 1)]


def test_a_key_that_somebody_else_has_says_no_more_than_that(raw: Connection[Any]) -> None:
    as_charlie(raw)
    row = {**ROWS["api_keys"][1], "user_id": CHARLIE.user_id, "key_hash": HASH}
    with pytest.raises(errors.UniqueViolation) as error:
        raw.execute(insert("api_keys", row), row)
    said = str(error.value)
    assert SECRET not in said
    assert str(ALICE.user_id) not in said


@pytest.mark.parametrize("conflict", ["do nothing", "do update set name = 'x'"])
def test_an_upsert_does_not_reach_her_row(raw: Connection[Any], conflict: LiteralString) -> None:
    as_charlie(raw)
    values = ROWS["ai_runs"][1]
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute(
            insert("ai_runs", values) + sql.SQL(" on conflict (user_id, id) ") + sql.SQL(conflict),
            values,
        )


def test_a_row_cannot_be_given_away(raw: Connection[Any]) -> None:
    as_charlie(raw)
    run = {"user_id": CHARLIE.user_id, "id": uuid4(), "source_type": "chat", "name": "Mine"}
    raw.execute(insert("ai_runs", run), run)
    with pytest.raises(errors.InsufficientPrivilege):
        raw.execute("update airuns.ai_runs set user_id = %s", [ALICE.user_id])

"""The roles of requests and of upkeep cannot become more than they are."""

from collections.abc import Generator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, errors

from airuns.server.db.door import SERVICE, Database
from tests.people import ALICE, CHARLIE
from tests.sql.alice import ROWS, affected, deleting, key, selecting, updating
from tests.sql.rows import become

TRICKS: list[LiteralString] = [
    "set role airuns_service",
    "set role airuns",
    "set role postgres",
    "set session authorization airuns",
    "select set_config('role', 'airuns_service', true)",
    "alter table airuns.ai_runs disable row level security",
    "alter table airuns.ai_runs no force row level security",
    "alter table airuns.ai_runs disable trigger all",
    'drop policy "users see their runs" on airuns.ai_runs',
    "create policy p on airuns.ai_runs using (true)",
    "create table airuns.mine (id integer)",
    "create or replace function airuns.current_user_id() returns uuid language sql return null",
    "truncate airuns.ai_runs",
    "truncate airuns.ai_messages, airuns.ai_tasks, airuns.ai_runs cascade",
    "drop schema airuns cascade",
    "select * from airuns.schema_version",
    "select * from pg_authid",
    "select pg_read_file('/etc/passwd')",
    "copy airuns.ai_runs to '/tmp/x'",
    "copy (select 1) to program 'true'",
    "alter role airuns_app bypassrls",
    "create role mallory",
    "grant airuns to airuns_app",
    "set session_replication_role = replica",
    "set local row_security = off; select * from airuns.ai_runs",
]


@pytest.fixture
def app(url: str) -> Generator[Connection[Any]]:
    """A connection that has signed in as the role of requests itself."""
    with psycopg.connect(url.replace("airuns@", "airuns_app@")) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("trick", TRICKS)
def test_the_role_of_requests_cannot_become_more(
    app: Connection[Any], trick: LiteralString
) -> None:
    become(app, "airuns_app", CHARLIE)
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(trick)


def test_going_back_to_the_session_role_shows_nothing(app: Connection[Any]) -> None:
    become(app, "airuns_app", CHARLIE)
    app.execute("reset role")
    assert app.execute("select current_user").fetchone() == ("airuns_app",)
    assert app.execute("select count(*) from airuns.ai_runs").fetchone() == (0,)


def test_copy_reads_ones_own_rows_only_and_writes_none(app: Connection[Any]) -> None:
    become(app, "airuns_app", CHARLIE)
    with app.cursor().copy("copy airuns.ai_runs to stdout") as copy:
        assert list(copy) == []
    with (
        pytest.raises(errors.FeatureNotSupported),
        app.cursor().copy("copy airuns.ai_runs from stdin"),
    ):
        pass


async def test_the_user_of_one_transaction_is_not_the_next_ones(url: str) -> None:
    db = Database(url, 1)
    await db.open()
    try:
        async with db.transaction(ALICE.who) as tx:
            assert await tx.value("select count(*) from airuns.ai_runs") == 2
        async with db.transaction(SERVICE) as tx:
            await tx.execute("set local role airuns_app")
            assert await tx.value("select airuns.current_user_id()") is None
            assert await tx.value("select count(*) from airuns.ai_runs") == 0
    finally:
        await db.close()


SERVICE_MAY = {
    "select": {"ai_tasks", "api_keys", "exports", "login_failures", "retention",
               "search_buckets", "search_documents", "search_queue", "search_vocabulary",
               "server_processes", "sessions", "sign_in_links", "usage_changes", "users"},
    "update": {"ai_tasks", "retention", "search_buckets", "server_processes", "sessions",
               "sign_in_links", "users"},
    "delete": {"exports", "login_failures", "search_documents", "search_queue",
               "search_vocabulary", "server_processes", "sessions", "sign_in_links", "users"},
}  # fmt: skip


@pytest.mark.parametrize("table", ROWS)
def test_the_service_does_what_its_grants_say(raw: Connection[Any], table: str) -> None:
    become(raw, "airuns_service")
    statements = {"select": selecting, "update": updating, "delete": deleting}
    for verb, statement in statements.items():
        try:
            allowed = affected(raw, statement(table), [key(table)[1]]) == 1
        except errors.ForeignKeyViolation:  # a user goes after all runs, or not at all
            allowed = table == "users"
        assert allowed == (table in SERVICE_MAY[verb]), verb


@pytest.mark.parametrize(
    "query",
    [
        "update airuns.ai_tasks set cost = 0",
        "update airuns.ai_tasks set status = 'completed'",
        "update airuns.api_keys set key_hash = key_hash",
        "select * from airuns.prompt_run_history",
        "set role airuns_app",
    ],
)
def test_the_service_does_no_more(url: str, query: LiteralString) -> None:
    with psycopg.connect(url.replace("airuns@", "airuns_service@")) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(query)
        connection.rollback()

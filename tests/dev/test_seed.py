"""`airuns dev seed`: stores that look real, that are right, and that are the same each time."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from airuns.dev import seed as seeding
from airuns.dev.conversations import COLUMNS
from airuns.dev.shape import Options
from airuns.dev.words import CHINESE, COMMON, PHRASE, rare_word
from airuns.errors import StartError
from airuns.server.db import embedded
from airuns.server.runs.rules import Turn, chain_hash, request_bytes
from tests.people import ALICE, BOB
from tests.serving import airuns

UNTIL = datetime(2026, 11, 1, 12, tzinfo=UTC)
SMALL = Options(runs=200, users=2, messages=10, seed=7, days=365, until=UNTIL)
PEOPLE = [ALICE.user_id, BOB.user_id]
REPLAY = Path(__file__).with_name("replay.sql")
DERIVED = (
    "id, message_count, task_count, ended_task_count, counted_task_count, priced_task_count,"
    " total_tokens, total_cost, preview, last_task_id, last_task_status, last_message_at,"
    " case status when 'completed' then 'active' else status end as status"
)


def read(root: Connection[Any], query: str) -> list[dict[str, Any]]:
    return root.execute(cast("LiteralString", query)).fetchall()


def without(row: dict[str, Any], column: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != column}


def quietly(_: str) -> None:
    """What the command says is not tested."""


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    """A database with 200 seeded runs of Alice and Bob, as its superuser."""
    url = new_database().replace("airuns@", f"{embedded.SUPERUSER}@")
    assert seeding.seed(url, SMALL, PEOPLE, quietly) == 200
    return url


@pytest.fixture
def root(url: str) -> Generator[Connection[Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def test_the_same_seed_gives_the_same_store_and_another_one_another(
    url: str, new_database: Callable[[], str]
) -> None:
    def generated(**change: Any) -> dict[str, bytes]:
        options = Options(
            **{name: getattr(SMALL, name) for name in SMALL.__struct_fields__} | change
        )
        generator = seeding.Generator(options)
        author = generator.author(0, ALICE.user_id, 200)
        rows = generator.rows(seeding.Chunk(0, author, 0, 50, 200))
        return {table: rows.data(table) for table in COLUMNS}

    assert generated() == generated()
    assert generated() != generated(seed=8)


def test_what_is_there_is_left_out(url: str) -> None:
    assert seeding.seed(url, SMALL, PEOPLE, quietly) == 0


def test_triggers_come_to_the_same(root: Connection[Any]) -> None:
    query = f"select {DERIVED} from airuns.ai_runs order by id"  # noqa: S608
    of_tasks = "select * from airuns.ai_tasks order by task_id"
    seeded, tasks = read(root, query), read(root, of_tasks)
    root.execute(REPLAY.read_bytes())
    assert read(root, query) == seeded
    assert [without(row, "updated_at") for row in read(root, of_tasks)] == [
        without(row, "updated_at") for row in tasks
    ]
    assert {row["last_task_status"] for row in seeded} >= {"completed", "error"}


def test_trees_and_requests_are_what_they_say(root: Connection[Any]) -> None:
    """Chain hashes and request hashes are those of the server's own functions."""
    messages = {row["id"]: row for row in read(root, "select * from airuns.ai_messages")}
    lines: dict[UUID, list[dict[str, str]]] = {}
    for row in sorted(messages.values(), key=lambda row: row["depth"]):
        above = messages.get(row["parent_id"])
        assert row["depth"] == (above["depth"] + 1 if above else 0)
        assert above is None or above["run_id"] == row["run_id"]
        turn = Turn(row["role"], row["content"])
        assert row["chain_hash"] == chain_hash(above["chain_hash"] if above else None, turn)
        lines[row["id"]] = [*(lines[above["id"]] if above else []), turn.message]
    for task in read(root, "select * from airuns.ai_tasks"):
        request = request_bytes(task["request_data"], lines[task["request_message_id"]])
        assert task["request_hash"] == sha256(request).digest()
    heads = read(root, "select id, head_message_id as head from airuns.ai_runs")
    assert all(messages[row["head"]]["run_id"] == row["id"] for row in heads)


def test_constraints_hold_although_they_were_not_asked(root: Connection[Any]) -> None:
    """Foreign keys are triggers, which seeding goes past."""
    for row in read(
        root,
        "select conrelid::regclass::text as table, conname from pg_constraint"
        " where contype = 'f' and connamespace = 'airuns'::regnamespace",
    ):
        name = f"alter table {row['table']} drop constraint {row['conname']}"
        [made] = read(
            root,
            "select pg_get_constraintdef(oid) as made from pg_constraint"  # noqa: S608
            f" where conname = '{row['conname']}' and conrelid = '{row['table']}'::regclass",
        )
        root.execute(cast("LiteralString", name))
        root.execute(cast("LiteralString", f"alter table {row['table']} add {made['made']}"))


def test_it_looks_real(root: Connection[Any]) -> None:
    def one(query: str) -> Any:
        return next(iter(read(root, query)[0].values()))

    assert 7 < one("select avg(message_count) from airuns.ai_runs") < 14
    assert one("select max(message_count) from airuns.ai_runs") > 30
    assert one("select count(distinct model) from airuns.ai_tasks") > 6
    assert one("select count(*) from airuns.ai_tasks where cost is null") > 0
    assert one("select count(*) from airuns.ai_messages where parent_id is null") >= 200
    branched = "select count(*) - count(distinct (run_id, parent_id)) from airuns.ai_messages"
    assert one(f"{branched} where parent_id is not null") > 0
    at = "select max(created_at) from airuns.ai_messages"
    assert one(at) <= UNTIL.replace(second=1)
    for word, least in ((COMMON, 30), (PHRASE, 8), (CHINESE, 3)):
        found = f"select count(*) from airuns.ai_messages where content ilike '%{word}%'"  # noqa: S608
        assert one(found) > least
    rare = f"like '%{rare_word(5)}%' and user_id = '{ALICE.user_id}'"
    assert one(f"select count(*) from airuns.ai_messages where content {rare}") == 3  # noqa: S608


def test_it_asks_for_a_superuser(own_database_url: str) -> None:
    with pytest.raises(StartError, match="superuser"):
        seeding.seed(own_database_url, SMALL, PEOPLE, quietly)


def test_the_command_leaves_a_store_that_is_verified_and_can_be_searched(
    own_database_url: str, tmp_path: Path
) -> None:
    env = {"AIRUNS_DATABASE_URL": own_database_url.replace("airuns@", f"{embedded.SUPERUSER}@")}
    args = ["--runs", "30", "--messages", "4", "--user", "Bob", "--until", "2026-11-01T12:00:00"]
    seeded = airuns(tmp_path, "dev", "seed", *args, **env)
    assert seeded.returncode == 0, seeded.stderr
    verified = airuns(tmp_path, "db", "verify", **env)
    assert verified.returncode == 0, verified.stdout
    with psycopg.connect(own_database_url.replace("airuns@", "airuns_service@")) as service:
        found = service.execute("select count(distinct run_id) from airuns.search_documents")
        assert found.fetchone() == (30,)

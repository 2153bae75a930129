"""Meanings are kept for their users, whatever dies, and nobody else reaches them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
import pytest

from airuns.server.db.door import As, Database
from airuns.server.models.call import ProviderError
from airuns.server.retention import erase
from airuns.server.search import indexer, meaning_filling, meaning_tables
from airuns.server.search.filters import Conditions
from airuns.server.search.meaning_near import Meant, nearest
from airuns.server.search.meaning_texts import MOST_PARTS, PART_TOKENS, parts
from tests.people import ALICE, BOB, CHARLIE
from tests.provider.meanings import vector
from tests.search.vectors import MODEL, as_superuser, with_vectors
from tests.sql.rows import add as add_row

UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Database]:
    db = Database(url, 4)
    await db.open()
    try:
        yield db
    finally:
        await db.close()


async def put(db: Database, *texts: str, who: As = ALICE.who) -> UUID:
    async with db.transaction(who) as tx:
        run_id = await add_row(tx, "ai_runs", who.user_id)
        for text in texts:
            await add_row(tx, "ai_messages", who.user_id, run_id=run_id, content=text)
    while await indexer.index_waiting(db):
        pass
    return run_id


async def vectors(texts: list[str]) -> list[list[float]]:
    return [vector(text) for text in texts]


async def near(db: Database, text: str, who: As) -> list[UUID]:
    meant = Meant(MODEL, vector(text))
    async with db.transaction(who) as tx:
        return list(await nearest(tx, who.user_id, meant, Conditions([], {}, False), UNTIL))


async def meanings(url: str) -> int:
    with psycopg.connect(as_superuser(url)) as root:
        row = root.execute("select count(*) from airuns.search_meanings").fetchone()
    assert row
    return row[0]


async def fill_all(db: Database) -> int:
    done = 0
    while some := await meaning_filling.fill(db, MODEL, vectors):
        done += some
    return done


async def test_what_dies_half_way_is_done_by_the_next(own_database_url: str) -> None:
    url = with_vectors(own_database_url)
    assert meaning_tables.make(url, MODEL, 64)
    async with opened(url) as db:
        run = await put(db, *(f"text {number}" for number in range(40)))

        async def dies(_: list[str]) -> list[list[float]]:
            raise KeyboardInterrupt

        async def fails(_: list[str]) -> list[list[float]]:
            raise ProviderError("away", kind="connection")

        for broken in (fails, dies):
            with pytest.raises((ProviderError, KeyboardInterrupt)):
                await meaning_filling.fill(db, MODEL, broken)
        assert await meaning_filling.waiting(db) >= 40
        with psycopg.connect(as_superuser(url)) as root:
            # A server that was killed left its lease, and a former one half of the bucket.
            root.execute("update airuns.search_meaning_buckets set leased_until = now() + '1 hour'")
        assert await fill_all(db) == 0
        with psycopg.connect(as_superuser(url)) as root:
            root.execute("update airuns.search_meaning_buckets set leased_until = now()")
        assert await fill_all(db) == 40
        assert (await meanings(url), await meaning_filling.waiting(db)) == (40, 0)
        with psycopg.connect(as_superuser(url)) as root:
            # While nobody embeds, the index goes on; so it does with messages of other roles.
            root.execute("delete from airuns.search_meanings where part = 0 and embedding is null")
        await put(db, "one more")
        assert await fill_all(db) == 1
        assert (await near(db, "text 7", ALICE.who))[0] == run


async def test_erasing_a_user_erases_what_was_meant(own_database_url: str, tmp_path: Path) -> None:
    url = with_vectors(own_database_url)
    meaning_tables.make(url, MODEL, 64)
    async with opened(url) as db:
        await put(db, "mine", who=BOB.who)
        await put(db, "stays")
        await fill_all(db)
        proof = await erase.erase(db, await erase.find(db, BOB.user_id), tmp_path, lambda _: None)
        held = {each.table: each.rows for each in proof}
        assert (held["search_meanings"], held["search_meaning_buckets"]) == (0, 0)
    assert await meanings(url) == 1


async def test_another_model_begins_anew(own_database_url: str) -> None:
    url = with_vectors(own_database_url)
    meaning_tables.make(url, MODEL, 64)
    async with opened(url) as db:
        await put(db, "a text")
        assert await fill_all(db) == 1
        assert not meaning_tables.make(url, MODEL, 64)
        assert await meanings(url) == 1
        assert meaning_tables.make(url, "openai/other", 32)
        assert await meanings(url) == 0
        assert await near(db, "a text", ALICE.who) == []  # a server that still has the former one


def test_a_database_without_pgvector_says_what_to_do(own_database_url: str) -> None:
    with pytest.raises(meaning_tables.NoMeanings, match="superuser makes it: create extension"):
        meaning_tables.make(own_database_url, MODEL, 64)
    with pytest.raises(meaning_tables.NoMeanings, match="the index takes 4000"):
        meaning_tables.make(own_database_url, MODEL, 4001)


async def test_of_many_users_each_has_the_nearest(own_database_url: str) -> None:
    """One with few among many is compared exactly; one with many by the index, nearly so."""
    url = with_vectors(own_database_url)
    meaning_tables.make(url, MODEL, 8)
    async with opened(url) as db:
        runs = {who.user_id: await put(db, who=who.who) for who in (ALICE, BOB)}
    with psycopg.connect(as_superuser(url)) as root:
        root.execute("drop index airuns.search_meanings_near")  # put in one by one is slow
        for who, many in ((ALICE, 21_000), (BOB, 100)):
            root.execute(
                """insert into airuns.search_meanings
                    (user_id, run_id, message_id, part, at, model, embedding)
                select %s, %s, gen_random_uuid(), 0, now(), %s,
                    (select array_agg(random() - 0.5 + (n + s) * 0)
                    from generate_series(1, 8) as s)::real[]
                from generate_series(1, %s) as n""",
                [who.user_id, runs[who.user_id], MODEL, many],
            )
        root.execute(
            "create index on airuns.search_meanings using hnsw (embedding halfvec_cosine_ops)"
            " with (m = 8, ef_construction = 32)"
        )
        root.execute("analyze airuns.search_meanings")
    asked = [float((n * 7) % 5 - 2) for n in range(8)]
    with psycopg.connect(url) as connection:
        for who, least in ((ALICE, 90), (BOB, 100)):
            exact = (
                connection.execute("reset role")
                .execute("set local role airuns_service")
                .execute(
                    "select message_id from airuns.search_meanings where user_id = %s"
                    " order by (embedding <=> %s::real[]::halfvec) + 0 limit 100",
                    [who.user_id, asked],
                )
            )
            nearest_ids = {row[0] for row in exact}
            found = ask(connection, who.user_id, asked)
            assert len(found) == 100
            assert len(nearest_ids & {row[1] for row in found}) >= least
            assert all(row[0] == runs[who.user_id] for row in found)


def ask(
    connection: psycopg.Connection[Any], user_id: UUID, asked: list[float], run: UUID | None = None
) -> list[tuple[Any, ...]]:
    connection.execute("set local role airuns_app")
    connection.execute(f"set local airuns.user_id = '{user_id}'".encode())
    connection.execute(f"set local airuns.run_id = '{run or ''}'".encode())
    return connection.execute(
        "select * from airuns.search_nearest(%s, %s, %s::real[], null, 'infinity', 100)",
        [user_id, MODEL, asked],
    ).fetchall()


async def test_others_reach_nothing_of_it(own_database_url: str) -> None:
    url = with_vectors(own_database_url)
    meaning_tables.make(url, MODEL, 64)
    async with opened(url) as db:
        run, other = await put(db, "a secret"), await put(db, "another")
        await fill_all(db)
    with psycopg.connect(url) as connection:
        assert len(ask(connection, ALICE.user_id, vector("secret"))) == 2
        [row] = ask(connection, ALICE.user_id, vector("secret"), other)
        assert row[0] == other != run
        for role in ("airuns_app", "airuns"):
            connection.rollback()
            connection.execute(f"set local role {role}".encode())
            connection.execute(f"set local airuns.user_id = '{CHARLIE.user_id}'".encode())
            for attack in (
                "select * from airuns.search_meanings",
                "delete from airuns.search_meanings",
                "select * from airuns.search_meaning_buckets",
            ):
                with connection.transaction(force_rollback=True):
                    try:
                        assert connection.execute(cast("LiteralString", attack)).rowcount == 0
                    except psycopg.errors.InsufficientPrivilege:
                        assert role == "airuns_app"
        connection.rollback()
        ask(connection, CHARLIE.user_id, vector("secret"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "select * from airuns.search_nearest(%s, %s, %s::real[], null, 'infinity', 100)",
                [ALICE.user_id, MODEL, vector("secret")],
            )


@pytest.mark.parametrize(
    ("role", "text", "expected"),
    [
        ("tool", "{}", 0),
        (None, None, 0),
        ("user", "  ", 0),
        ("user", "short", 1),
        ("assistant", "word " * 1000, 4),
        ("assistant", "word " * 100_000, MOST_PARTS),
        ("user", "字" * 1000, 3),
        ("user", "x" * 3000, 3),
    ],
)
def test_a_message_is_cut_into_parts_that_models_take(
    role: str | None, text: str | None, expected: int
) -> None:
    found = parts(role, text)
    assert len(found) == expected
    assert all(0 < len(part) <= PART_TOKENS * 4 for part in found)
    if text and expected not in (0, MOST_PARTS):
        assert "".join(found).replace(" ", "") == text.replace(" ", "")

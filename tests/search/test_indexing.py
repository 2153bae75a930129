"""The index follows what is written, whatever dies, and whoever else works on it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.server.db.door import SERVICE, As, Database
from airuns.server.search import indexer, match, reindex, store, walk, words
from airuns.server.search.filters import conditions
from airuns.server.search.prefixes import prefix_of_bucket
from airuns.server.search.query import Query, Term, parse
from tests.conftest import Run
from tests.people import ALICE, BOB
from tests.search.finding import new_word
from tests.serving import airuns
from tests.sql.rows import add


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Database]:
    db = Database(url, 4)
    await db.open()
    try:
        yield db
    finally:
        await db.close()


async def put(db: Database, *texts: str, who: As = ALICE.who, name: str = "Run") -> UUID:
    """Add a run with messages; return its id."""
    async with db.transaction(who) as tx:
        run_id = await add(tx, "ai_runs", who.user_id, name=name)
        for text in texts:
            await add(tx, "ai_messages", who.user_id, run_id=run_id, content=text)
    return run_id


async def index_all(db: Database) -> int:
    done = 0
    while batch := await indexer.index_waiting(db):
        done += batch
    return done


async def found(db: Database, query: str | Query, who: As = ALICE.who) -> store.Found:
    query = parse(query) if isinstance(query, str) else query
    async with db.transaction(who) as tx:
        return await store.search(
            tx, who.user_id, query, "relevance", None, 20, zone=ZoneInfo("UTC")
        )


async def documents(db: Database) -> int:
    async with db.transaction(SERVICE) as tx:
        return await tx.value("select count(*) from airuns.search_documents")


async def test_what_dies_half_way_is_done_again_and_once(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(own_database_url) as db:
        await put(db, "first", "second")

        async def dies(*_: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(indexer, "_save", dies)
            with pytest.raises(asyncio.CancelledError):
                await indexer.index_waiting(db)
        before = await found(db, "second")
        assert (before.items, before.waiting) == ([], 3)
        assert before.lag_seconds > 0
        assert await index_all(db) == 3
        after = await found(db, "second")
        assert (len(after.items), after.waiting, after.lag_seconds) == (1, 0, 0)
        assert await documents(db) == 3


async def test_two_indexers_share_the_work(own_database_url: str) -> None:
    async with opened(own_database_url) as db, opened(own_database_url) as other:
        for number in range(30):
            who = (ALICE, BOB)[number % 2].who
            await put(db, *(f"word{number} text{each}" for each in range(10)), who=who)
        done = await asyncio.gather(*(index_all(each) for each in (db, other, db, other)))
        await index_all(db)
        assert sum(done) == 330
        assert await documents(db) == 330
        [hit] = (await found(db, "word4 text7")).items
        assert hit.matches == 1


async def test_of_two_changes_the_last_one_stays(own_database_url: str) -> None:
    async with opened(own_database_url) as db:
        run_id = await put(db)
        for number in range(5):
            async with db.transaction(ALICE.who) as tx:
                await tx.execute(
                    "update airuns.ai_runs set name = %(name)s"
                    " where user_id = %(user_id)s and id = %(run_id)s",
                    name=f"name{number}x",
                    user_id=ALICE.user_id,
                    run_id=run_id,
                )
            await asyncio.gather(indexer.index_waiting(db), indexer.index_waiting(db))
        await index_all(db)
        assert [len((await found(db, f"name{n}x")).items) for n in range(5)] == [0, 0, 0, 0, 1]
        assert await documents(db) == 1


async def test_a_user_who_is_gone_holds_up_nobody(own_database_url: str) -> None:
    async with opened(own_database_url) as db:
        await put(db, "theirs", who=BOB.who)
        await put(db, "mine")
        with psycopg.connect(own_database_url) as owner:
            owner.execute("set local role airuns_service")
            owner.execute(
                "insert into airuns.search_queue (user_id, run_id)"
                " values (gen_random_uuid(), gen_random_uuid())"
            )
        assert await index_all(db) == 5
        assert len((await found(db, "mine")).items) == 1


async def test_the_index_is_made_anew(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "PAGE", 3)
    async with opened(own_database_url) as db:
        for number in range(4):
            await put(db, f"text{number} a", f"text{number} b")
        await index_all(db)
        assert await reindex.reindex(db, ALICE.user_id, lambda _: None) == 12
        assert await documents(db) == 12
        assert [len((await found(db, f"text{n}")).items) for n in range(4)] == [1, 1, 1, 1]
        assert len(await reindex.users(db, None)) == 3


async def test_a_walk_through_many_buckets_finds_the_same(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BUCKET", 4)
    monkeypatch.setattr(indexer, "BATCH", 4)
    monkeypatch.setattr(store.walk, "STEP", 5)
    async with opened(own_database_url) as db:
        made = [await put(db, f"common only{number}", "common", "other") for number in range(40)]
        await index_all(db)
        for number in (0, 17, 39):
            [hit] = (await found(db, f"only{number}")).items
            assert hit.run.id == made[number]
        for sort in ("relevance", "date"):
            seen: list[UUID] = []
            cursor = None
            while True:
                async with db.transaction(ALICE.who) as tx:
                    page = await store.search(
                        tx, ALICE.user_id, parse("common"), sort, cursor, 7, zone=ZoneInfo("UTC")
                    )
                seen += [hit.run.id for hit in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert len(seen) == len(set(seen)) == 40
            if sort == "date":
                assert seen == made[::-1]


async def full(db: Database) -> set[int]:
    """Return Alice's buckets of messages that get no more."""
    async with db.transaction(SERVICE) as tx:
        rows = await tx.rows(
            "select bucket from airuns.search_buckets"
            " where user_id = %(user_id)s and is_closed and not has_names and documents > 0",
            user_id=ALICE.user_id,
        )
    return {row["bucket"] for row in rows}


async def test_only_buckets_that_have_the_words_are_opened(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BUCKET", 4)
    monkeypatch.setattr(indexer, "BATCH", 4)

    async def opens(query: str) -> tuple[int, int]:
        """Return how many full buckets of messages a query opens, and how many runs it finds."""
        asked = match.templates(parse(query))
        assert asked is not None
        async with db.transaction(ALICE.who) as tx:
            along = [s for s in await walk.shelves(tx, ALICE.user_id, asked) if not s.has_names]
        opened = [shelf for shelf in along if shelf.bucket in await full(db)]
        return len(opened), len((await found(db, query)).items)

    async def is_narrow(query: str) -> bool:
        count, hits = await opens(query)
        return count <= 1 and hits == 1

    async with opened(own_database_url) as db:
        for number in range(12):
            await put(db, f"common onlyAt{number}", "common 北京大学 other", "common", "common")
        await index_all(db)
        everywhere = (len(await full(db)), 12)
        assert everywhere[0] > 5
        assert await opens("common") == everywhere
        assert await is_narrow("onlyAt3")
        assert await is_narrow('"common onlyAt3"')
        assert await is_narrow("onlyat3 common -nowhere")
        assert (await opens("onlyat1*"))[1] == 3
        assert (await opens("北京"))[1] == 12
        assert (await opens("北京 onlyat5"))[0] <= 1
        assert await opens("nowhere") == (0, 0)
        assert await opens("co*") == everywhere
        assert await reindex.reindex(db, ALICE.user_id, lambda _: None) == 60
        assert (await opens("onlyat3"))[1] == 1
        async with db.transaction(SERVICE) as tx:
            count = "select count(distinct bucket) from airuns.search_vocabulary"
            assert await tx.value(count) <= 60 / 4  # not those of before


async def test_a_long_run_does_not_crowd_out_others(own_database_url: str) -> None:
    async with opened(own_database_url) as db:
        small = await put(db, "common first")
        async with db.transaction(ALICE.who) as tx:
            big = await add(tx, "ai_runs", ALICE.user_id, name="Big")
            await tx.execute(MANY, user_id=ALICE.user_id, run_id=big)
        await index_all(db)
        hits = {hit.run.id: hit for hit in (await found(db, "common")).items}
        assert hits[big].matches == 200
        [hit] = (await found(db, "common first")).items
        assert (hit.run.id, hit.matches) == (small, 1)
        assert hit.message_id is not None


async def test_names_are_suggested_while_typing(own_database_url: str) -> None:
    async with opened(own_database_url) as db:
        word = new_word()
        run_id = await put(db, f"{word} in a message", name="Kitchen plans")
        await put(db, name="Other plans")
        await index_all(db)
        async with db.transaction(ALICE.who) as tx:
            [one] = await store.suggest(tx, ALICE.user_id, "plans kit")
            assert (one.run.id, one.name[0].text, one.name[0].is_hit) == (run_id, "Kitchen", True)
            assert len(await store.suggest(tx, ALICE.user_id, "pl")) == 2
            assert await store.suggest(tx, ALICE.user_id, word[:5]) == []
            assert await store.suggest(tx, ALICE.user_id, "  ") == []


def test_any_text_is_found_by_its_own_words(
    own_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BUCKET", 2)

    async def work(text: str, pick: int) -> None:
        async with opened(own_database_url) as db:
            run_id = await put(db, text)
            await index_all(db)
            there = [each for each in words.words(words.composed(text)) if not each.is_last]
            terms = [Term("word", text[each.start : each.end]) for each in there[pick % 7 :][:5]]
            hits = (await found(db, Query(tuple(terms)))).items if terms else []
            assert not terms or run_id in {hit.run.id for hit in hits}, (text, terms)

    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(characters, min_size=1, max_size=60), st.integers(0, 6))
    def check(text: str, pick: int) -> None:
        run(work(words.composed(text), pick))

    check()


LEAKS = [
    "select * from airuns.search_shelves(%(user_id)s, '{}')",
    "select * from airuns.search_lag(%(user_id)s)",
    "select * from airuns.search_matches(%(user_id)s, array[0, 1],"
    " array[%(any_of)s, %(any_of)s]::tsquery[], array[%(any_of)s, %(any_of)s]::tsquery[],"
    " 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)",
    "select * from airuns.search_in_runs(%(user_id)s, array[%(run_id)s]::uuid[],"
    " '''§secret''', '''§secret''', 100)",
]


@pytest.mark.parametrize("query", LEAKS)
async def test_the_functions_show_nothing_of_others(own_database_url: str, query: str) -> None:
    async with opened(own_database_url) as db:
        run_id = await put(db, "secret", name="secret")
        other_run = await put(db, "secret")
        await index_all(db)
        await put(db, "secret")  # this one waits
        prefixes = [prefix_of_bucket(ALICE.user_id, bucket) for bucket in (0, 1)]
        any_of = " | ".join(f"'{prefix}secret'" for prefix in prefixes)
        params = {"any_of": any_of, "run_id": run_id}

        async def seen(who: As, of_user: UUID | None) -> list[dict[str, Any]]:
            async with db.transaction(who) as tx:
                return await tx.rows(query, user_id=of_user, **params)

        mine = await seen(ALICE.who, ALICE.user_id)
        assert mine
        for who, of_user in ((BOB.who, ALICE.user_id), (BOB.who, None), (ALICE.who, BOB.user_id)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await seen(who, of_user)
        theirs = await seen(BOB.who, BOB.user_id)
        assert theirs in ([], [{"waiting": 0, "lag_seconds": 0.0}])
        for access in ("read", "write"):
            narrowed = await seen(As(ALICE.user_id, other_run, access), ALICE.user_id)
            assert run_id not in {row.get("run_id") for row in narrowed}
            assert not any(row.get("waiting") for row in narrowed)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.transaction(SERVICE) as tx:
                await tx.rows(query, user_id=ALICE.user_id, **params)


async def test_a_narrowed_search_finds_its_run_only(own_database_url: str) -> None:
    async with opened(own_database_url) as db:
        run_id = await put(db, "secret")
        await put(db, "secret")
        await index_all(db)
        narrowed = As(ALICE.user_id, run_id, "read")
        assert [hit.run.id for hit in (await found(db, "secret", narrowed)).items] == [run_id]
        assert len((await found(db, "secret")).items) == 2


MANY = """
insert into airuns.ai_messages (user_id, id, run_id, depth, role, content, chain_hash)
select %(user_id)s, gen_random_uuid(), %(run_id)s, 0, 'user', 'common w' || n, sha256(int4send(n))
from generate_series(1, 2000) as n
"""


async def test_the_index_serves_a_search(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BATCH", 1000)
    async with opened(own_database_url) as db:
        run_id = await put(db)
        async with db.transaction(ALICE.who) as tx:
            await tx.execute(MANY, user_id=ALICE.user_id, run_id=run_id)
        await index_all(db)
        for query in ("w77", "common", "w77 common", '"common w77"', "w7*", "common -w77"):
            async with db.transaction(ALICE.who) as tx:
                asked = match.templates(parse(query))
                assert asked is not None
                shelves = await walk.shelves(tx, ALICE.user_id, asked)
                which = conditions([], ZoneInfo("UTC"), datetime.now(UTC))
                looked = [
                    each async for each in walk.walk(tx, ALICE.user_id, asked, which, shelves)
                ]
                assert sum(len(each.matches) for each in looked) > 0
                scans = await tx.one(Scans, SCANS)
            assert scans is not None
            assert (scans.gin > 0, scans.whole) == (True, 0), query


class Scans(msgspec.Struct):
    """How often a transaction has used the index, and read the whole table."""

    gin: int
    whole: int


SCANS = """
select pg_stat_get_xact_numscans('airuns.search_words'::regclass) as gin,
    pg_stat_get_xact_numscans('airuns.search_documents'::regclass) as whole
"""


async def test_the_command_makes_the_index_anew(own_database_url: str, folder: Path) -> None:
    async with opened(own_database_url) as db:
        await put(db, "text a")
        environment = {"AIRUNS_DATABASE_URL": own_database_url}
        done = airuns(folder / "reindex", "search", "reindex", **environment)
        assert (done.returncode, done.stdout) == (0, "2 texts are indexed anew.\n")
        assert len((await found(db, "text a")).items) == 1
        nobody = airuns(folder / "reindex", "search", "reindex", "--user", "zoe", **environment)
        assert nobody.stderr == "airuns: There is no user zoe.\n"

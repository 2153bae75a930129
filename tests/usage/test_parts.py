"""Sums by one thing alone say what the sums by everything say, in any zone, folded or not."""

import random
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
import pytest

from airuns.errors import InvalidInput
from airuns.server import money
from airuns.server.db.door import Database
from airuns.server.usage import keeping, store
from airuns.server.usage.filters import Dimension, Step, UsageFilter
from airuns.server.usage.records import Dashboard, Sums
from tests.conftest import Run
from tests.people import ALICE
from tests.sql.rows import become, put

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)  # Europe and America change to summer time about then
DAYS = 60
TAG = "everything"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
COMPARED = (
    *("totals", "before", "over_time", "by_model", "by_provider", "by_prompt", "by_version"),
    *("by_source", "by_key", "by_status", "parts_over_time", "latency", "latency_over_time"),
    *("latency_total", "latency_total_over_time", "errors", "errors_over_time", "forecast"),
)


class Place(msgspec.Struct):
    db: Database
    prompt_id: UUID


@pytest.fixture(scope="module")
def place(new_database: Any, run: Run) -> Generator[Place]:
    """Alice's runs of 60 days, all with one tag, half of them folded; a prompt of two versions."""
    url = new_database()
    rng = random.Random(7)
    db = Database(url, 2)
    run(db.open())
    with psycopg.connect(url) as connection:
        become(connection, "airuns_app", ALICE)
        prompt_id = put(connection, "prompts", ALICE.user_id, name="Prompt")
    for is_folded in (True, False):
        with psycopg.connect(url) as connection:
            become(connection, "airuns_app", ALICE)
            for number in range(90):
                at = BEGIN + timedelta(minutes=rng.randrange(DAYS * 24 * 60))
                of = {"source_type": "prompt", "source_id": str(prompt_id)} if number % 2 else {}
                version = 1 + number % 3 // 2 if of else None
                run_id = put(
                    connection, "ai_runs", ALICE.user_id, tags=[TAG], created_at=at,
                    prompt_version=version, **of,
                )  # fmt: skip
                status = rng.choice(["completed", "completed", "error", "timeout", "cancelled"])
                put(
                    connection, "ai_tasks", ALICE.user_id, run_id=run_id, status=status,
                    provider=rng.choice(["a", "b"]), model=rng.choice(["x", "y", None]),
                    key_id=rng.choice([None, UUID(int=7)]), tokens_input=rng.randrange(1000),
                    tokens_output=100, tokens_total=100, total_time=rng.expovariate(1),
                    time_to_first_token=rng.choice([None, 0.0]), created_at=at,
                    cost=rng.choice([None, Decimal(rng.randrange(10**9)).scaleb(-9)]),
                    response_errors='{"code": "busy"}' if status == "error" else None,
                )  # fmt: skip
        if is_folded:
            run(keeping.fold_all(db))
    yield Place(db, prompt_id)
    run(db.close())


async def board(db: Database, by: Dimension = "model", **which: Any) -> Dashboard:
    wanted = UsageFilter(**({"since": BEGIN, "until": BEGIN + timedelta(days=DAYS)} | which))
    async with db.transaction(ALICE.who) as tx:
        return await store.dashboard(tx, ALICE.user_id, wanted, NOW, by)


def plain(found: Dashboard, names: tuple[str, ...] = COMPARED) -> dict[str, Any]:
    """Return what is the same with and without a filter: all but the links."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            of = cast("dict[str, Any]", value)
            return {name: without(each) for name, each in of.items() if name != "runs_query"}
        if isinstance(value, list):
            return [without(each) for each in cast("list[Any]", value)]
        return value

    values = msgspec.json.decode(money.encode(found))
    return {name: without(values[name]) for name in names}


@pytest.mark.parametrize(
    ("zone", "step", "by"),
    [
        ("UTC", "day", "model"),
        ("UTC", "month", "provider"),
        ("Europe/Berlin", "day", "prompt"),
        ("Europe/Berlin", "week", "key"),
        ("America/Los_Angeles", "day", "status"),
        ("America/Los_Angeles", "month", "source"),
        ("Asia/Kolkata", "day", "model"),
        ("Pacific/Auckland", "week", "provider"),
        ("Pacific/Kiritimati", "day", "model"),
    ],
)
async def test_with_and_without_a_filter_all_numbers_are_the_same(
    place: Place, zone: str, step: Step, by: Dimension
) -> None:
    asked: dict[str, Any] = {"zone": zone, "step": step, "by": by}
    asked |= {"since": BEGIN + timedelta(hours=7), "until": BEGIN + timedelta(days=40, hours=3)}
    parts, filtered = await board(place.db, **asked), await board(place.db, tag=TAG, **asked)
    assert plain(parts) == plain(filtered)
    assert [each.tasks for each in parts.by_tag] == [parts.totals.tasks]
    assert sum(each.tasks for each in parts.over_time) == parts.totals.tasks > 60


@pytest.mark.parametrize(
    "only",
    [
        {"model": "x"},
        {"provider": "a"},
        {"provider": "b", "model": "y"},
        {"source_type": "prompt"},
        {"key_id": UUID(int=7)},
        {"status": "error"},
        {"prompt_id": None},
        {"prompt_id": None, "version": 1},
    ],
    ids=str,
)
async def test_a_filter_of_one_thing_says_what_a_longer_one_says(
    place: Place, only: dict[str, Any]
) -> None:
    """Sums by that thing serve it, as far as they go; of two things there are none."""
    only = {name: value or place.prompt_id for name, value in only.items()}
    asked: dict[str, Any] = {"zone": "America/Los_Angeles", "step": "week", "by": "key"} | only
    asked |= {"since": BEGIN + timedelta(hours=7), "until": BEGIN + timedelta(days=44, hours=3)}
    shown = await board(place.db, **asked)
    assert plain(shown) == plain(await board(place.db, tag=TAG, **asked))
    assert 0 < shown.totals.tasks < 180


async def test_what_is_cut_is_the_first_and_the_rest(place: Place) -> None:
    wanted = UsageFilter(since=BEGIN, until=BEGIN + timedelta(days=DAYS))
    extent = store.Extent(top=2, lines=1, has_model_times=False, is_named=True)
    asked: tuple[Dimension, ...] = ("model", "status", "provider")
    for by in asked:
        whole = await board(place.db, by=by)
        async with place.db.transaction(ALICE.who) as tx:
            cut = await store.overview(tx, ALICE.user_id, wanted, NOW, by, extent)
        shown, every = cut.dashboard, getattr(whole, f"by_{by}")
        assert getattr(shown, f"by_{by}") == every[:2]
        assert cut.counts[by] == len(every)
        assert [value for value, _ in cut.values[by]] == [
            part.value for part in every if part.value
        ]
        assert shown.over_time == whole.over_time
        assert shown.latency_over_time == []
        assert {
            (each.provider, each.value) for each in shown.parts_over_time if not each.is_rest
        } == {(every[0].provider, every[0].value)}
        for at, tasks in {each.at: each.tasks for each in whole.over_time if each.tasks}.items():
            assert sum(each.tasks for each in shown.parts_over_time if each.at == at) == tasks


async def test_hours_and_less_than_a_day(place: Place) -> None:
    asked: dict[str, Any] = {"since": BEGIN, "until": BEGIN + timedelta(days=9), "step": "hour"}
    asked["zone"] = "Europe/Berlin"
    assert plain(await board(place.db, **asked)) == plain(await board(place.db, tag=TAG, **asked))
    asked |= {"since": BEGIN + timedelta(hours=3), "until": BEGIN + timedelta(hours=20)}
    shown = await board(place.db, **asked)
    assert len(shown.over_time) == 17
    assert plain(shown) == plain(await board(place.db, tag=TAG, **asked))


async def test_a_prompt_is_told_by_version(place: Place) -> None:
    shown = await board(place.db, by="version", prompt_id=place.prompt_id)
    assert [each.version for each in shown.by_version] == [2, 1]
    assert {each.value for each in shown.parts_over_time} == {"1", "2"}
    for each in shown.by_version:
        alone = await board(place.db, prompt_id=place.prompt_id, version=each.version)
        assert _numbers(alone.totals) == _numbers(each)
        assert alone.latency_total.p95_total_time == each.p95_total_time
        assert each.runs == each.tasks
    until = BEGIN + timedelta(days=DAYS)
    async with place.db.transaction(ALICE.who) as tx:
        usage = await store.prompt_usage(tx, ALICE.user_id, place.prompt_id, BEGIN, until)
    assert usage.totals == shown.totals
    assert usage.versions == shown.by_version
    assert usage.latency.p50_total_time == shown.latency_total.p50_total_time


async def test_versions_are_those_of_a_prompt(place: Place) -> None:
    for field, asked in {"version": {"version": 1}, "by": {"by": "version"}}.items():
        with pytest.raises(InvalidInput) as caught:
            await board(place.db, **asked)
        assert caught.value.field == field


def _numbers(sums: Sums) -> dict[str, Any]:
    return {name: getattr(sums, name) for name in Sums.__struct_fields__}

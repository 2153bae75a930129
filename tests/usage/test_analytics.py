"""The dashboard: each number is that of the tasks, filtered, in steps, with a way to its runs."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from httpx import Client

from airuns.server.usage.forecasts import forecast
from tests.people import ALICE
from tests.runs.calling import get, problem
from tests.sql.rows import become, put

KEY = UUID(int=0x5E7)
MARCH = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


@pytest.fixture(scope="module")
def tag(database_url: str) -> str:
    """A tag of this module's own, which filters its runs; they are of March 2026."""
    tag = f"=u{uuid4().hex[:8]}"
    with psycopg.connect(database_url) as connection:
        become(connection, "airuns_app", ALICE)
        prompt_id = put(connection, "prompts", ALICE.user_id, name="@Prompt")
        put(connection, "prompt_versions", ALICE.user_id, prompt_id=prompt_id)
        runs = [
            put(
                connection, "ai_runs", ALICE.user_id, tags=[tag], name=f"Run {number}",
                created_at="2026-03-02 10:00Z", last_message_at="2026-03-03 10:00Z",
                settings='{"model": "openai/gpt"}',
                **({"source_type": "prompt", "source_id": str(prompt_id)} if number else {}),
            )
            for number in range(2)
        ]  # fmt: skip
        for number in range(10):
            put(
                connection, "ai_tasks", ALICE.user_id, run_id=runs[number % 2], provider="openai",
                model="gpt" if number < 8 else "other", key_id=KEY if number == 0 else None,
                status="completed" if number < 9 else "error",
                response_errors='{"code": "overloaded"}' if number == 9 else None,
                tokens_input=100, tokens_output=number * 10, tokens_total=100 + number * 10,
                cost=Decimal("0.1") * number if number < 9 else None,
                time_to_first_token=0.5, total_time=0.5 + number,
                created_at=f"2026-03-{2 + number % 5:02} 23:30Z",
            )  # fmt: skip
        put(connection, "ai_tasks", ALICE.user_id, run_id=runs[0], created_at="2026-03-02Z")
    return tag


def board(client: Client, tag: str, **more: Any) -> dict[str, Any]:
    return get(client, "/api/analytics", **(MARCH | {"tag": tag} | more))


def test_totals_are_those_of_the_ended_tasks(alice: Client, tag: str) -> None:
    totals = board(alice, tag)["totals"]
    assert (totals["runs"], totals["tasks"], totals["failed"], totals["priced"]) == (2, 10, 1, 9)
    assert Decimal(totals["cost"]) == Decimal("3.6")
    assert (totals["tokens_input"], totals["tokens_output"]) == (1000, 450)
    assert totals["average_first_token"] == 0.5
    assert totals["average_total_time"] == 5
    assert totals["tokens_per_second"] == pytest.approx(10)


def test_a_time_has_all_of_its_steps_and_the_time_before(alice: Client, tag: str) -> None:
    shown = board(
        alice, tag, since="2026-03-04T00:00:00Z", until="2026-03-06T00:00:00Z", step="day"
    )
    assert [each["at"][:10] for each in shown["over_time"]] == ["2026-03-04", "2026-03-05"]
    assert [each["tasks"] for each in shown["over_time"]] == [2, 2]
    assert (shown["totals"]["tasks"], shown["before"]["tasks"]) == (4, 4)
    assert board(alice, tag)["step"] == "day"
    weeks = board(alice, tag, step="week")["over_time"]
    assert [each["at"][:10] for each in weeks][:2] == ["2026-02-23", "2026-03-02"]
    assert sum(each["tasks"] for each in weeks) == 10
    months = board(alice, tag, since="2025-06-01T00:00:00Z", step="month")["over_time"]
    assert len(months) == 10


def test_days_are_those_of_the_readers_zone(alice: Client, tag: str) -> None:
    """What ended at 23:30 UTC was on the next day in Berlin."""
    zone = {
        "since": "2026-02-28T23:00:00Z",
        "until": "2026-03-31T22:00:00Z",
        "zone": "Europe/Berlin",
    }
    points = {each["at"]: each["tasks"] for each in board(alice, tag, **zone)["over_time"]}
    assert len(points) == 31
    assert points["2026-03-02T23:00:00Z"] == 2
    assert points["2026-03-01T23:00:00Z"] == 0


def test_breakdowns_name_shares_and_runs(alice: Client, tag: str) -> None:
    shown = board(alice, tag)
    model, other = shown["by_model"]
    assert (model["name"], other["name"]) == ("openai/gpt", "openai/other")
    assert model["share_of_cost"] == pytest.approx(2.8 / 3.6)
    assert [each["value"] for each in shown["by_tag"]] == [tag]
    assert {each["name"] for each in shown["by_prompt"]} == {"@Prompt", None}
    assert {each["value"]: each["tasks"] for each in shown["by_key"]} == {None: 9, str(KEY): 1}
    assert {each["value"]: each["runs"] for each in shown["by_source"]} == {"chat": 1, "prompt": 1}
    assert {each["value"]: each["tasks"] for each in shown["by_status"]} == {
        "completed": 9,
        "error": 1,
    }
    assert [(each["code"], each["tasks"]) for each in shown["errors"]] == [("overloaded", 1)]
    runs = get(alice, "/api/runs", **model["runs_query"])["items"]
    assert {each["name"] for each in runs} == {"Run 0", "Run 1"}
    assert [each["name"] for each in shown["expensive_runs"]] == ["Run 0", "Run 1"]
    divided = board(alice, tag, by="tag")["parts_over_time"]
    assert {(each["value"], each["tasks"]) for each in divided} == {(tag, 2)}


def test_filters_are_combined(alice: Client, tag: str) -> None:
    shown = board(
        alice, tag, model="gpt", status="completed", provider="openai", source_type="chat"
    )
    assert (shown["totals"]["tasks"], shown["totals"]["runs"]) == (4, None)
    assert board(alice, tag, key_id=str(KEY))["runs_query"] is None
    assert board(alice, tag, model="nothing")["totals"]["cost"] == "0"
    unpriced = board(alice, tag, status="error")["totals"]
    assert (unpriced["cost"], unpriced["tokens_total"]) == (None, 190)


def test_latency_is_told_by_model(alice: Client, tag: str) -> None:
    shown = board(alice, tag)
    model = shown["latency"][0]
    assert (model["model"], model["tasks"]) == ("gpt", 8)
    assert model["average_total_time"] == 4
    assert model["p50_total_time"] == pytest.approx(3.5, rel=0.05)
    assert model["p99_total_time"] == pytest.approx(7.5, rel=0.05)
    assert len(shown["latency_over_time"]) == 7


def test_every_table_can_be_downloaded(alice: Client, tag: str) -> None:
    query = MARCH | {"tag": tag}
    shown = board(alice, tag)
    for name in ("over_time", "by_model", "by_tag", "by_prompt", "latency", "errors"):
        assert get(alice, f"/api/analytics/{name}.json", **query) == shown[name]
        answer = alice.get(f"/api/analytics/{name}.csv", params=query)
        assert f'filename="{name}.csv"' in answer.headers["content-disposition"]
        assert len(list(csv.DictReader(io.StringIO(answer.text)))) == len(shown[name])
    text = alice.get("/api/analytics/by_tag.csv", params=query).content.decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["value"], row["cost"], row["runs"]) == (f"'{tag}", "3.6", "2")
    problem(alice.get("/api/analytics/nothing.csv"), 404)


def test_what_cannot_be_asked_is_refused(alice: Client) -> None:
    for field, params in {
        "until": {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
        "since": {"since": "1990-03-02T00:00:00Z"},
        "step": {"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "step": "hour"},
        "zone": {"zone": "Europe/Atlantis"},
    }.items():
        problem(alice.get("/api/analytics", params=params), 422, field)


def test_another_users_usage_is_not_in_it(bob: Client, tag: str) -> None:
    assert board(bob, tag)["totals"]["tasks"] == 0


NOON = datetime(2026, 4, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("costs", "spent", "mean", "cost"),
    [
        ({}, None, None, None),
        ({0: 3}, 3, 3, 3 + 3 * 19.5),
        ({0: 1, 1: 2, 4: 2}, 5, 1, 5 + 19.5),
        (dict.fromkeys(range(1, 29), 1), 10, 1, 10 + 19.5),
    ],
)
def test_a_month_costs_what_is_spent_and_the_mean_for_the_days_left(
    costs: dict[int, int], spent: int | None, mean: int | None, cost: float | None
) -> None:
    today = NOON.replace(hour=0)
    days = [(today - timedelta(days=ago), Decimal(usd)) for ago, usd in costs.items()]
    found = forecast(days, NOON)
    if found is None:
        assert cost is None
    else:
        assert (found.spent, found.daily_mean, float(found.cost)) == (spent, mean, cost)

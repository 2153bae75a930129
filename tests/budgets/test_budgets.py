"""Budgets: what is left is shown, and a hard one that is spent refuses every way to a model."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from httpx import Client, Response

from tests.people import BOB
from tests.runs.calling import get, problem, user
from tests.runs.channel import connected
from tests.serving import Served
from tests.sql.rows import become, put

Ask = Callable[[Client, dict[str, Any]], Response]


@pytest.fixture
def prompt(bob: Client) -> dict[str, Any]:
    """A prompt of Bob's with a run that has one answer."""
    body = {"name": "Budgeted", "messages": [user("Say")], "settings": {"model": "openai/echo"}}
    prompt = bob.post("/api/prompts", json=body).json()
    ran = bob.post("/api/prompt/run", json={"prompt_id": prompt["id"]}).json()
    return prompt | {"run_id": ran["run_id"], "task_id": ran["task_id"]}


@pytest.fixture
def budget(bob: Client) -> Generator[Callable[..., dict[str, Any]]]:
    """Make budgets of Bob's, which are gone after the test."""
    made: list[str] = []

    def make(**body: Any) -> dict[str, Any]:
        answer = bob.post("/api/budgets", json={"name": "B", "period": "day", "limit": "1"} | body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return answer.json()

    yield make
    for budget_id in made:
        bob.delete(f"/api/budgets/{budget_id}")


def spend(url: str, run_id: str, cost: str | None, **more: Any) -> None:
    """Record an ended task of Bob's."""
    with psycopg.connect(url) as connection:
        become(connection, "airuns_app", BOB)
        values = {"run_id": run_id, "status": "completed", "cost": cost and Decimal(cost), **more}
        put(connection, "ai_tasks", BOB.user_id, **values)


def test_what_is_spent_and_left_is_shown(
    bob: Client, prompt: dict[str, Any], budget: Callable[..., Any], database_url: str
) -> None:
    made = budget(prompt_id=prompt["id"], period="month", limit="2.50")
    assert (made["spent"], made["left"], made["state"], made["unpriced"]) == (
        "0",
        "2.50",
        "good",
        1,
    )
    spend(database_url, prompt["run_id"], "2")
    spend(database_url, prompt["run_id"], None)
    spend(database_url, prompt["run_id"], "7", created_at="2020-01-01")
    path = f"/api/budgets/{made['id']}"
    shown = get(bob, path)
    assert (shown["spent"], shown["left"], shown["state"]) == ("2", "0.50", "near")
    assert (shown["scope"], shown["share"], shown["unpriced"]) == ("prompt", 0.8, 2)
    assert shown["since"] == f"{datetime.now(UTC):%Y-%m}-01T00:00:00Z"
    spend(database_url, prompt["run_id"], "0.6")
    assert shown["id"] in [each["id"] for each in get(bob, "/api/budgets")["items"]]
    assert (get(bob, path)["left"], get(bob, path)["state"]) == ("0", "over")
    ran = bob.post("/api/prompt/run", json={"prompt_id": prompt["id"]})
    assert ran.status_code == 200  # it is soft
    raised = bob.patch(path, json={"limit": 10, "name": "More"}).json()
    assert (raised["name"], raised["limit"], raised["state"]) == ("More", "10", "good")


def run_prompt(client: Client, prompt: dict[str, Any]) -> Response:
    return client.post("/api/prompt/run", json={"prompt_id": prompt["id"]})


def run_untracked(client: Client, prompt: dict[str, Any]) -> Response:
    return client.post("/api/prompt/run", json={"prompt_id": prompt["id"], "track": False})


def go_on(client: Client, prompt: dict[str, Any]) -> Response:
    body = {"run_id": prompt["run_id"], "messages": [user("More")]}
    return client.post("/api/prompt/run", json=body)


def retry(client: Client, prompt: dict[str, Any]) -> Response:
    return client.post(f"/api/tasks/{prompt['task_id']}/retry")


@pytest.mark.parametrize("ask", [run_prompt, run_untracked, go_on, retry])
@pytest.mark.parametrize("scope", ["prompt", "key", "user"])
def test_a_hard_one_that_is_spent_refuses_the_call(
    bob: Client, prompt: dict[str, Any], budget: Callable[..., Any], database_url: str,
    ask: Ask, scope: str,
) -> None:  # fmt: skip
    [key_id] = [each["id"] for each in get(bob, "/api/keys")["items"] if each["name"] == "tests"]
    of = {"prompt": {"prompt_id": prompt["id"]}, "key": {"key_id": key_id}}.get(scope, {})
    made = budget(name="Mine", is_hard=True, limit="1000000", **of)
    assert ask(bob, prompt).status_code == 200
    spend(database_url, prompt["run_id"], "0.25", key_id=key_id)
    bob.patch(f"/api/budgets/{made['id']}", json={"limit": "0.01"})
    tasks = get(bob, f"/api/runs/{prompt['run_id']}")["task_count"]
    answer = ask(bob, prompt)
    refused = problem(answer, 429)
    assert refused["code"] == "budget_spent"
    assert "Mine is used up" in refused["detail"]
    assert "of 0.01 USD" in refused["detail"]
    assert 0 < int(answer.headers["retry-after"]) <= 86400
    assert get(bob, f"/api/runs/{prompt['run_id']}")["task_count"] == tasks


def test_another_prompt_is_not_refused(
    bob: Client, prompt: dict[str, Any], budget: Callable[..., Any], database_url: str
) -> None:
    budget(is_hard=True, limit="0.01", prompt_id=prompt["id"])
    spend(database_url, prompt["run_id"], "0.25")
    body = {"messages": [user("Hi")], "model": "openai/echo"}
    assert bob.post("/api/prompt/run", json=body).status_code == 200


async def test_the_live_channel_is_refused_too(
    server: Served, bob: Client, prompt: dict[str, Any], budget: Callable[..., Any],
    database_url: str,
) -> None:  # fmt: skip
    budget(is_hard=True, limit="0.01", prompt_id=prompt["id"])
    spend(database_url, prompt["run_id"], "0.25")
    async with connected(server.url, BOB.key) as channel:
        answer = await channel.call("task:submit", prompt_id=prompt["id"])
    assert answer["error"]["code"] == "budget_spent"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "-1"}, 422, "limit"),
        ({"period": "year"}, 422, "period"),
        ({"prompt_id": str(uuid4())}, 404, "prompt_id"),
        ({"key_id": str(uuid4())}, 404, "key_id"),
        ({"key_id": str(uuid4()), "prompt_id": str(uuid4())}, 422, "prompt_id"),
    ],
)
def test_what_cannot_be_is_refused(
    bob: Client, body: dict[str, Any], status: int, field: str
) -> None:
    asked = {"name": "B", "period": "day", "limit": "1"} | body
    problem(bob.post("/api/budgets", json=asked), status, field)


def test_anothers_budget_does_not_exist(
    charlie: Client, bob: Client, budget: Callable[..., Any]
) -> None:
    path = f"/api/budgets/{budget()['id']}"
    problem(charlie.get(path), 404)
    problem(charlie.patch(path, json={"limit": "5"}), 404)
    problem(charlie.delete(path), 404)
    assert get(bob, path)["limit"] == "1"

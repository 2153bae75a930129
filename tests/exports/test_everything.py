"""The archive of everything: all that a user has, but secrets; another account becomes the same."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.server.accounts import store as accounts
from airuns.server.budgets import store as budgets
from airuns.server.db.door import As, Database, Transaction
from airuns.server.exports.reading import Everything
from airuns.server.gateway import store as gateway
from airuns.server.models import store as models
from airuns.server.models.prices import OwnPrice
from airuns.server.prompts import store as prompts
from airuns.server.retention import store as retention
from airuns.server.retention.rules import Rule
from airuns.server.runs import store as runs
from tests.conftest import Run
from tests.exports import trees
from tests.exports.taking import brought, lines_of, taken
from tests.exports.test_jobs import done
from tests.exports.test_round_trip import ENDED
from tests.people import Person
from tests.runs.calling import get, problem
from tests.serving import Served

AMOUNTS = st.decimals("0.01", 1000, places=4)
OWNED = st.fixed_dictionaries(
    {
        "runs": st.lists(ENDED, max_size=2),
        "deleted": st.booleans(),
        "prompt": st.tuples(trees.TEXTS, trees.TEXTS, st.integers(0, 2)),
        "prompt_deleted": st.booleans(),
        "prices": st.lists(AMOUNTS, min_size=2, max_size=2),
        "budget": AMOUNTS,
        "rules": st.lists(
            st.builds(
                Rule,
                action=st.sampled_from(["archive", "delete", "purge"]),
                days=st.integers(1, 400),
                starred=st.booleans(),
            ),
            max_size=3,
        ),
    }
)


async def somebody(db: Database) -> Person:
    user = await accounts.add_user(db, f"all-{uuid4().hex[:12]}", "Somebody", None)
    _, key = await accounts.add_key(db, As(user.id), "tests")
    return Person(user.username, user.id, key)


async def settle(tx: Transaction, user_id: UUID, wanted: dict[str, Any]) -> None:
    """Give a user what is wanted beside runs."""
    await models.put_provider(
        tx,
        user_id,
        name="owls",
        protocol="openai",
        base_url="https://owls.example/v1",
        key_encrypted=None,
        keep_key=False,
    )
    await gateway.put_alias(tx, user_id, "fast", "owls/barn", ["owls/eagle"])
    price = OwnPrice(input=wanted["prices"][0], output=wanted["prices"][1])
    await models.set_own_price(tx, user_id, "owls", "barn", price)
    name, text, more = wanted["prompt"]
    label = prompts.Label(name=" ".join(name.split())[:50] or "Owls", tags=["x"])
    content = prompts.Content(
        messages=[{"role": "user", "content": f"{text} {{{{name}}}}"}],
        variables=[],
        settings={"model": "m"},
    )
    prompt = await prompts.create(tx, user_id, label, content)
    for number in range(more):
        messages = [{"role": "user", "content": f"v{number}"}]
        await prompts.change(tx, user_id, prompt.id, prompts.Change(messages=messages))
    new = budgets.NewBudget(
        name="All", period="day", limit=Decimal(wanted["budget"]), is_hard=True, prompt_id=prompt.id
    )
    await budgets.add(tx, user_id, new)
    if wanted["prompt_deleted"]:
        await prompts.delete(tx, user_id, prompt.id)
    await retention.put_rules(tx, user_id, wanted["rules"])


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=OWNED)
def test_another_account_becomes_the_same(db: Database, run: Run, wanted: dict[str, Any]) -> None:
    async def round_trip() -> None:
        one, other = await somebody(db), await somebody(db)
        async with db.transaction(one.who) as tx:
            await settle(tx, one.user_id, wanted)
        run_ids = [await trees.grow(db, one, each) for each in wanted["runs"]]
        if wanted["deleted"] and run_ids:
            async with db.transaction(one.who) as tx:
                await runs.delete(tx, one.user_id, run_ids[0])
        archive = await taken(db, one.who, Everything())
        kinds = [record["type"] for record in json.loads(archive)["records"]]
        assert kinds.count("run") == len(run_ids)
        report = await brought(db, other.who, archive)
        assert report.refused == {}, report.reasons
        assert report.added == {kind: kinds.count(kind) for kind in kinds}
        assert lines_of(await taken(db, other.who, Everything())) == lines_of(archive)
        again = await brought(db, other.who, archive)
        parts = ("version", "message", "task", "attachment")  # of what was there
        assert again.there == {kind: kinds.count(kind) for kind in kinds if kind not in parts}
        assert (again.added, again.refused) == ({}, {})

    run(round_trip())


@pytest.fixture
def client(server: Served, db: Database, run: Run) -> Callable[[], httpx.Client]:
    """Let somebody in who has nothing yet."""
    return lambda: server.client(run(somebody(db)))


def test_no_secret_is_in_it_and_what_is_there_stays(client: Callable[[], httpx.Client]) -> None:
    secret = f"sk-{uuid4().hex}"
    address = {"protocol": "openai", "base_url": "https://owls.example/v1"}
    with client() as one, client() as other:
        answer = one.put("/api/model-providers/owls", json={**address, "key": secret})
        assert answer.status_code < 300, answer.text
        key_id = get(one, "/api/keys")["items"][0]["id"]
        budget = {"name": "Of the key", "period": "day", "limit": "1", "key_id": key_id}
        assert one.post("/api/budgets", json=budget).status_code == 201
        body = {"format": "json", "everything": True}
        made = done(one, one.post("/api/exports", json=body).json()["id"])
        assert (made["state"], made["everything"]) == ("done", True), made
        archive = one.get(f"/api/exports/{made['id']}/download").content
        [provider] = [each for each in json.loads(archive)["records"] if each["type"] == "provider"]
        assert provider["has_key"] is True
        assert secret.encode() not in archive
        assert b"air_" not in archive
        there = {**address, "base_url": "https://mine.example/v1"}
        other.put("/api/model-providers/owls", json=there)
        report = other.post("/api/import", content=archive).json()
        assert report["there"] == {"provider": 1}
        assert report["refused"] == {"budget": 1}
        assert "API keys are in no archive" in report["reasons"][0]["reason"]
        [kept] = [
            each for each in get(other, "/api/model-providers")["items"] if each["name"] == "owls"
        ]
        assert kept["base_url"] == there["base_url"]


def test_rules_wait_so_that_what_has_come_is_not_gone_at_once(
    client: Callable[[], httpx.Client],
) -> None:
    with client() as one, client() as other:
        run_id = one.post("/api/runs", json={"name": "Old"}).json()["id"]
        one.delete(f"/api/runs/{run_id}")
        one.put("/api/retention", json={"rules": [{"action": "purge"}]})
        made = done(
            one, one.post("/api/exports", json={"format": "json", "everything": True}).json()["id"]
        )
        archive = json.loads(one.get(f"/api/exports/{made['id']}/download").content)
        [old] = [each for each in archive["records"] if each["type"] == "run"]
        old["deleted_at"] = "2020-01-01T00:00:00Z"
        assert other.post("/api/import", json=archive).json()["added"]["rules"] == 1
        assert get(other, "/api/retention")["due_at"] > made["created_at"]
        assert other.get("/api/runs?deleted=true").json()["items"][0]["id"] == run_id


def test_everything_is_an_archive(client: Callable[[], httpx.Client]) -> None:
    with client() as one:
        problem(one.post("/api/exports", json={"format": "csv", "everything": True}), 422, "format")
        body = {"format": "json", "everything": True, "filter": {}}
        problem(one.post("/api/exports", json=body), 422, "ids")

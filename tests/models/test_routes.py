"""Models and providers over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.people import ALICE, BOB
from tests.provider import ScriptedProvider
from tests.serving import Served

KEY = "sk-never-shown"


@pytest.fixture
def alice(server: Served) -> Any:
    with httpx.Client(base_url=server.url, headers=ALICE.headers, timeout=30) as client:
        yield client


@pytest.fixture
def bob(server: Served) -> Any:
    with httpx.Client(base_url=server.url, headers=BOB.headers, timeout=30) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"p{uuid4().hex[:12]}"


def models(client: httpx.Client, **params: Any) -> dict[str, dict[str, Any]]:
    answer = client.get("/api/models", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    return {row["model"]: row for row in answer.json()["items"]}


def refused(answer: httpx.Response, status: int, field: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert field is None or field in [one["field"] for one in problem["errors"]]
    return problem["detail"]


def test_models_with_prices_and_what_is_missing(alice: httpx.Client) -> None:
    found = models(alice)
    gpt = found["openai/gpt-4o"]
    assert gpt["usable"]
    assert gpt["remedy"] is None
    assert gpt["context_size"] == 128_000
    assert gpt["price"] == {
        "source": "genai-prices",
        "input": "2.5",
        "output": "10",
        "cache_read": "1.25",
        "cache_write_5m": "2.5",
        "cache_write_1h": None,
    }
    mistral = next(row for row in found.values() if row["provider"] == "mistral")
    assert not mistral["usable"]
    assert "MISTRAL_API_KEY" in mistral["remedy"]
    assert all(not row["usable"] for row in models(alice, usable=False).values())
    assert {row["provider"] for row in models(alice, provider="openai").values()} == {"openai"}


def test_own_prices(alice: httpx.Client, bob: httpx.Client, name: str) -> None:
    path = f"/api/models/openai/{name}/with/slashes/price"
    model = f"openai/{name}/with/slashes"
    price = {"input": "0.000001", "output": "20"}
    assert alice.put(path, json=price).status_code == 200
    shown = models(alice)[model]["price"]
    assert (shown["source"], shown["input"], shown["cache_read"]) == ("own", "0.000001", "0.000001")
    assert model not in models(bob)
    refused(bob.delete(path), 404)
    assert alice.delete(path).status_code == 204
    assert models(alice)[model]["price"] is None
    refused(alice.delete(path), 404)


@pytest.mark.parametrize(
    ("price", "field"),
    [
        ({"input": "-1", "output": "1"}, "input"),
        ({"input": "1"}, "output"),
        ({"input": "NaN", "output": "1"}, "input"),
        ({"input": "Infinity", "output": "1"}, "input"),
        ({"input": "1", "output": "1e-1000"}, "output"),
        ({"input": "1e999999", "output": "1"}, "input"),
        ({"input": "1", "output": "1", "cache": "1"}, "cache"),
    ],
)
def test_prices_that_are_none(alice: httpx.Client, price: dict[str, str], field: str) -> None:
    assert field in refused(alice.put("/api/models/openai/m/price", json=price), 422)


def test_a_price_has_its_own_path(alice: httpx.Client) -> None:
    price = {"input": "1", "output": "1"}
    assert "/price" in refused(alice.put("/api/models/openai/m", json=price), 404)


def test_a_provider_is_stored_tried_shown_without_its_key_and_deleted(
    alice: httpx.Client, bob: httpx.Client, provider: ScriptedProvider, name: str
) -> None:
    path = f"/api/model-providers/{name}"
    stored = alice.put(path, json={"base_url": f"{provider.url}/v1", "key": KEY})
    assert stored.status_code == 200, stored.text
    assert stored.json() == {
        "name": name,
        "protocol": "openai",
        "base_url": f"{provider.url}/v1",
        "source": "stored",
        "has_key": True,
        "usable": True,
        "remedy": None,
    }
    assert alice.get(path).json() == stored.json()
    tried = alice.post(f"{path}/test", json={}).json()
    assert tried["ok"]
    assert "echo" in tried["models"]
    assert alice.post(f"{path}/test", json={"model": "echo"}).json()["ok"]
    assert provider.requests[-1].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in alice.get("/api/model-providers").text
    for answer in (bob.get(path), bob.delete(path), bob.post(f"{path}/test", json={})):
        refused(answer, 404)
    assert alice.delete(path).status_code == 204
    refused(alice.get(path), 404)


def test_a_trial_says_what_the_provider_said(
    alice: httpx.Client, provider: ScriptedProvider, name: str
) -> None:
    path = f"/api/model-providers/{name}"
    alice.put(path, json={"base_url": provider.url, "key": KEY})
    tried = alice.post(f"{path}/test", json={"model": "fail:401"}).json()
    assert (tried["ok"], tried["status"], tried["message"]) == (False, 401, "scripted failure")
    alice.put(path, json={"base_url": "http://127.0.0.1:1", "key": KEY})
    tried = alice.post(f"{path}/test", json={}).json()
    assert not tried["ok"]
    assert "could not be reached" in tried["message"]


def test_a_stored_key_stays_but_does_not_move_to_another_address(
    alice: httpx.Client, provider: ScriptedProvider, name: str
) -> None:
    path = f"/api/model-providers/{name}"
    alice.put(path, json={"base_url": provider.url, "key": KEY})
    again = alice.put(path, json={"base_url": provider.url, "protocol": "anthropic"}).json()
    assert (again["has_key"], again["protocol"]) == (True, "anthropic")
    refused(alice.put(path, json={"base_url": "http://evil.example"}), 422, "key")
    gone = alice.put(path, json={"base_url": "http://other.example", "key": None}).json()
    assert not gone["has_key"]


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("Bad Name", {"base_url": "http://x"}, "name"),
        ("local", {"base_url": "http://x"}, "name"),
        ("unheard-of", {"key": "k"}, "base_url"),
        ("ollama", {}, "base_url"),
        ("mine", {"base_url": "file:///etc/passwd"}, "base_url"),
        ("mine", {"base_url": "//x"}, "base_url"),
        ("mine", {"base_url": "http://x\0y"}, "base_url"),
        ("mine", {"base_url": "http://x", "protocol": "telepathy"}, "protocol"),
        ("mine", {"base_url": "http://x", "keys": "k"}, "keys"),
        ("mine", {"base_url": "http://x", "key": ""}, "key"),
    ],
)
def test_providers_that_cannot_be(
    alice: httpx.Client, name: str, body: dict[str, Any], field: str
) -> None:
    assert field in refused(alice.put(f"/api/model-providers/{name}", json=body), 422)


def test_providers_of_the_environment_and_known_ones(alice: httpx.Client) -> None:
    rows = {row["name"]: row for row in alice.get("/api/model-providers").json()["items"]}
    assert (rows["openai"]["source"], rows["openai"]["usable"]) == ("environment", True)
    assert not rows["groq"]["usable"]
    assert "GROQ_API_KEY" in rows["groq"]["remedy"]
    refused(alice.delete("/api/model-providers/openai"), 404)
    refused(alice.get("/api/model-providers/nobody"), 404)

"""What the gateway refuses by itself, in the shape of the protocol that was called."""

from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import anthropic
import httpx
import openai
import pytest

from airuns.errors import TooManyRequests
from airuns.server.gateway.limits import RateLimits
from tests.gateway.calling import CHAT, asking, task, text_of, unique
from tests.people import ALICE, BOB
from tests.provider import Failure, Script, ScriptedProvider
from tests.serving import Served, wait_until

MESSAGES = "/v1/messages"


def new_key(client: httpx.Client, per_minute: int | None = None) -> dict[str, str]:
    """Make an API key, and return the headers that carry it and its id."""
    made = client.post("/api/keys", json={"name": "gateway"}).json()
    body = {"requests_per_minute": per_minute}
    changed = client.patch(f"/api/keys/{made['id']}", json=body)
    assert changed.json()["requests_per_minute"] == per_minute
    return {"authorization": f"Bearer {made['key']}", "id": made["id"]}


def test_nobody_is_refused_as_their_client_expects(server: Served) -> None:
    said: Any = {"model": "x", "messages": [{"role": "user", "content": "x"}]}
    gpt = openai.OpenAI(base_url=f"{server.url}/v1", api_key="air_no", max_retries=0)
    with gpt, pytest.raises(openai.AuthenticationError, match="airuns key create"):
        gpt.chat.completions.create(**said)
    claude = anthropic.Anthropic(base_url=server.url, api_key="air_no", max_retries=0)
    with claude, pytest.raises(anthropic.AuthenticationError, match="airuns key create"):
        claude.messages.create(**said, max_tokens=1)


def test_a_session_is_no_key(server: Served) -> None:
    """So no page of another site can spend what somebody who is signed in has."""
    answer = httpx.post(f"{server.url}{CHAT}", json={}, cookies={"airuns_session": "x"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (CHAT, b"{", 400, "JSON"),
        (CHAT, b"[]", 400, "object"),
        (CHAT, b'{"messages": []}', 400, "model is missing"),
        (CHAT, b'{"model": "nobody/x"}', 404, "provider/name"),
        (CHAT, b'{"model": "gemini/x"}', 404, "GEMINI_API_KEY"),
        (CHAT, b'{"mod\\u0065l": "openai/echo", "messages": []}', 400, "plainly"),
        (MESSAGES, b'{"model": "openai/echo", "messages": []}', 400, "OpenAI client"),
        ("/v1/../api/runs", b"{}", 404, ""),
        ("/v1/%2e%2e/admin", b"{}", 404, ""),
    ],
)
def test_what_cannot_be_passed_on_says_why(
    path: str, body: bytes, status: int, said: str, server: Served
) -> None:
    with closing(HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
        client.request("POST", path, body, ALICE.headers)  # which leaves the path as it is
        answer = client.getresponse()
        text = answer.read().decode()
    assert (answer.status, said in text) == (status, True), text


def test_aliases_and_fallbacks(alice: httpx.Client, provider: ScriptedProvider) -> None:
    failing = Script(pieces=("never",), failures=(Failure(status=503),) * 9)
    provider.script("failing", failing)
    alias = {"model": "openai/failing", "fallbacks": ["openai/fail:429", "openai/echo"]}
    put = alice.put("/api/model-aliases/fast", json=alias)
    assert put.json()["fallbacks"] == alias["fallbacks"]
    said = unique()
    answer = alice.post(CHAT, json=asking(said, model="fast"))
    assert text_of(answer) == said
    assert answer.headers["airuns-model"] == "openai/echo"
    found = task(alice, answer)
    assert (found["model"], found["status"]) == ("echo", "completed")
    tried = found["response_metadata"]["gateway"]["tried"]
    assert [(one["model"], one["status"]) for one in tried] == [
        ("openai/failing", 503),
        ("openai/fail:429", 429),
    ]
    assert "fast" in [one["id"] for one in alice.get("/v1/models").json()["data"]]
    assert alice.delete("/api/model-aliases/fast").status_code == 204
    assert alice.post(CHAT, json=asking(said, model="fast")).status_code == 404


def test_a_fallback_by_header(alice: httpx.Client, provider: ScriptedProvider) -> None:
    provider.script("cut", Script(pieces=("x",), cut_after=0))
    said = unique()
    head = {"airuns-fallback": "openai/echo"}
    for model, more in (("fail:500", {}), ("fail:429", {"stream": True})):
        asked = asking(said, model=f"openai/{model}", **more)
        answer = alice.post(CHAT, json=asked, headers=head)
        assert answer.headers["airuns-model"] == "openai/echo"
    final = alice.post(CHAT, json=asking(said, model="openai/fail:400"), headers=head)
    assert final.status_code == 400  # a fault of the request fails anywhere


def test_a_provider_that_cannot_be_reached(alice: httpx.Client, bob: httpx.Client) -> None:
    body = {"protocol": "openai", "base_url": "http://127.0.0.1:9/v1", "key": "k"}
    assert bob.put("/api/model-providers/gone", json=body).status_code == 200
    said = unique()
    answer = bob.post(CHAT, json=asking(said, model="gone/x"))
    assert answer.status_code == 502
    assert "could not be reached" in answer.json()["error"]["message"]
    found = task(bob, answer)
    assert (found["status"], found["provider"]) == ("error", "gone")
    head = {"airuns-fallback": "openai/echo"}
    assert text_of(bob.post(CHAT, json=asking(said, model="gone/x"), headers=head)) == said
    assert alice.post(CHAT, json=asking(said, model="gone/x")).status_code == 404
    assert bob.delete("/api/model-providers/gone").status_code == 204


def test_anthropic_s_models_answer_openai_s_clients(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    before = len(provider.requests)
    said = unique()
    assert text_of(alice.post(CHAT, json=asking(said, model="anthropic/echo"))) == said
    sent = provider.request(before)
    assert (sent.path, sent.headers["Authorization"]) == (CHAT, "Bearer test")


def test_a_key_has_its_requests_a_minute(server: Served, bob: httpx.Client) -> None:
    head = new_key(bob, per_minute=2)
    with server.client() as client:
        client.headers["authorization"] = head["authorization"]
        said = [client.post(CHAT, json=asking(unique())) for _ in range(3)]
        assert [answer.status_code for answer in said] == [200, 200, 429]
        assert 1 <= int(said[2].headers["retry-after"]) <= 30
        error = said[2].json()["error"]
        assert error["type"] == "rate_limit_error"
        assert "2 requests a minute" in error["message"]
        bob.patch(f"/api/keys/{head['id']}", json={})
        assert client.post(CHAT, json=asking(unique())).status_code == 200


def test_a_bucket_fills_steadily() -> None:
    time = [100.0]
    limits = RateLimits(lambda: time[0])
    for _ in range(60):
        limits.take(BOB.user_id, 60)
    with pytest.raises(TooManyRequests) as refused:
        limits.take(BOB.user_id, 60)
    assert refused.value.retry_after == pytest.approx(1)
    time[0] += 1
    limits.take(BOB.user_id, 60)
    with pytest.raises(TooManyRequests):
        limits.take(BOB.user_id, 60)


def test_a_spent_budget_refuses_before_the_call(
    server: Served, bob: httpx.Client, provider: ScriptedProvider
) -> None:
    head = new_key(bob)
    budget: dict[str, Any] = {"name": "Tiny", "period": "day", "limit": "0.000001"}
    budget |= {"is_hard": True, "key_id": head["id"]}
    assert bob.post("/api/budgets", json=budget).is_success
    price = {"input": "1000", "output": "1000"}
    assert bob.put("/api/models/openai/echo/price", json=price).status_code == 200
    with server.client() as client:
        client.headers["authorization"] = head["authorization"]
        first = client.post(CHAT, json=asking(unique()))
        assert first.status_code == 200
        task(bob, first)
        wait_until(lambda: client.post(CHAT, json=asking("x")).status_code == 429, "429", 30)
        before = len(provider.requests)
        refused = client.post(CHAT, json=asking(unique()))
        assert refused.status_code == 429
        assert "The budget Tiny is used up" in refused.json()["error"]["message"]
        assert refused.headers["x-should-retry"] == "false"
        assert len(provider.requests) == before
    bob.delete("/api/models/openai/echo/price")

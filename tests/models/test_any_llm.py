"""Providers through any-llm-sdk, which calls the scripted provider here."""

import importlib.util
from typing import Any

import msgspec
import pytest

from airuns.server.models import any_llm
from airuns.server.models.call import Call, Endpoint, ProviderError, Usage
from tests.models.calls import ASK, KEY, PATIENT, end_of, pieces_of, text_of
from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("any_llm") is None, reason="the extra `providers` is not installed"
)


def call(server: ScriptedProvider, model: str, name: str = "openai", **settings: Any) -> Call:
    endpoint = Endpoint(name=name, protocol="any-llm", base_url=f"{server.url}/v1", key=KEY)
    return Call(endpoint=endpoint, model=model, messages=ASK, settings=settings)


async def test_an_answer_comes_whole(provider: ScriptedProvider) -> None:
    provider.script("any", Script(pieces=("a", "b"), usage=Tokens(input=9, cache_read=4)))
    options = {"stream_options": {"include_usage": True}}
    pieces = await pieces_of(call(provider, "any", temperature=0, **options))
    assert text_of(pieces) == "ab"
    assert end_of(pieces).usage == Usage(input=9, output=2, cache_read=4)
    assert provider.requests[-1].json["temperature"] == 0


async def test_a_failure_keeps_the_provider_s_words(provider: ScriptedProvider) -> None:
    failures = (Failure(status=429, message=f"Slow down, {KEY}"),) * 9
    provider.script("busy", Script(failures=failures))
    with pytest.raises(ProviderError, match="Slow down") as caught:
        await pieces_of(call(provider, "busy"))
    assert (caught.value.status, caught.value.transient) == (429, True)
    assert KEY not in repr(caught.value)


async def test_a_limit_that_runs_out(provider: ScriptedProvider) -> None:
    provider.script("stalls", Script(pieces=("a", "b"), gate=(gate := Gate())))
    gate.open(1)
    number = len(provider.requests)
    timeouts = msgspec.structs.replace(PATIENT, between_tokens=0.05)
    with pytest.raises(ProviderError) as caught:
        await pieces_of(call(provider, "stalls"), timeouts)
    assert caught.value.code == "between_tokens_timeout"
    assert provider.request(number).disconnected.wait(5)


async def test_a_provider_that_any_llm_does_not_know(provider: ScriptedProvider) -> None:
    with pytest.raises(ProviderError, match="not a supported provider"):
        await pieces_of(call(provider, "m", name="nonsense"))


def test_what_is_asked_can_be_rebuilt(provider: ScriptedProvider) -> None:
    asked = call(provider, "m", temperature=None, top_p=1)
    assert msgspec.json.decode(any_llm.body(asked)) == {
        "top_p": 1,
        "model": "m",
        "messages": ASK,
        "stream": True,
    }

"""Which provider a model's name means, and what an error says when it means none."""

from pathlib import Path

import pytest

from airuns.errors import InvalidInput
from airuns.server import settings
from airuns.server.models import catalog
from airuns.server.models.call import Endpoint
from airuns.server.models.catalog import resolve
from airuns.server.models.local import LocalModel

LOCAL = LocalModel(
    None,
    Endpoint(name="local", protocol="openai", base_url="http://127.0.0.1:1/v1", models=("smol",)),
    "smol",
    8192,
)


def usable(stored: tuple[Endpoint, ...] = (), **environ: str) -> list[Endpoint]:
    loaded = settings.load(environ, data_dir=Path("/nowhere"))
    return catalog.endpoints(loaded, stored, LOCAL)


def named(name: str, *endpoints: Endpoint) -> str:
    endpoint, model = resolve(name, endpoints)
    return f"{endpoint.name} {model}"


def refused(name: str, *endpoints: Endpoint) -> str:
    with pytest.raises(InvalidInput) as caught:
        resolve(name, endpoints)
    assert caught.value.field == "model"
    return caught.value.detail


def test_providers_of_the_environment() -> None:
    found = usable(OPENAI_API_KEY="a", GOOGLE_API_KEY="b", ANTHROPIC_API_KEY="c")
    assert {one.name: (one.base_url, one.key) for one in found[1:]} == {
        "openai": ("https://api.openai.com/v1", "a"),
        "anthropic": ("https://api.anthropic.com/v1", "c"),
        "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "b"),
    }
    assert found[0] is LOCAL.endpoint
    assert [one.name for one in usable()] == ["local"]


def test_addresses_of_the_environment() -> None:
    found = usable(OLLAMA_BASE_URL="http://localhost:11434/", ANTHROPIC_BASE_URL="http://proxy/a")
    assert [(one.name, one.base_url, one.key) for one in found[1:]] == [
        ("anthropic", "http://proxy/a", None),
        ("ollama", "http://localhost:11434/v1", None),
    ]
    assert [one.name for one in usable(OLLAMA_API_KEY="k")] == ["local"]


def test_a_stored_provider_wins_and_nobody_takes_the_local_model_s_name() -> None:
    mine = catalog.endpoint("openai", "openai", "http://mine", "k")
    fake = catalog.endpoint("local", "openai", "http://fake", "k")
    found = {one.name: one for one in usable((mine, fake), OPENAI_API_KEY="a")}
    assert found["openai"].base_url == "http://mine/v1"
    assert found["local"] is LOCAL.endpoint


def test_a_stored_provider_without_an_address_has_its_usual_one() -> None:
    endpoint = catalog.endpoint("groq", "openai", None, "k")
    assert endpoint.base_url == "https://api.groq.com/openai/v1"
    assert catalog.endpoint("bedrock", "any-llm", None, None).base_url == ""


def test_provider_and_name() -> None:
    found = usable(OPENAI_API_KEY="a", OPENROUTER_API_KEY="b")
    assert named("openai/gpt-4o", *found) == "openai gpt-4o"
    assert named("openai/of-tomorrow", *found) == "openai of-tomorrow"
    assert named("openrouter/meta-llama/llama-3.3-70b-instruct", *found) == (
        "openrouter meta-llama/llama-3.3-70b-instruct"
    )
    assert named("local/smol", *found) == "local smol"


def test_a_bare_name_means_its_maker() -> None:
    found = usable(OPENAI_API_KEY="a", ANTHROPIC_API_KEY="b", OPENROUTER_API_KEY="c")
    assert named("gpt-4o", *found) == "openai gpt-4o"
    assert named("claude-sonnet-4-5", *found) == "anthropic claude-sonnet-4-5"
    assert named("smol", *found) == "local smol"


def test_a_bare_name_means_the_only_provider_that_has_it() -> None:
    name = "meta-llama/llama-3.3-70b-instruct"
    assert named(name, *usable(OPENROUTER_API_KEY="c")) == f"openrouter {name}"


def test_a_bare_name_that_several_have_is_not_guessed() -> None:
    name = "meta-llama/llama-4-scout-17b-16e-instruct"
    detail = refused(name, *usable(GROQ_API_KEY="a", OPENROUTER_API_KEY="b"))
    assert f"groq/{name}, openrouter/{name}" in detail


def test_what_is_missing_is_said() -> None:
    missing = (
        "openai is known but has no key: "
        "set OPENAI_API_KEY or store one under /api/model-providers."
    )
    assert refused("openai/gpt-4o", *usable()) == missing
    assert refused("gpt-4o", *usable()) == missing
    assert "set OLLAMA_BASE_URL" in refused("ollama/llama3", *usable())
    assert refused("local/gpt-4o", *usable()) == "local has no model gpt-4o; it has local/smol."


@pytest.mark.parametrize("name", ["", "/", "openai/", "/x", "nonsense", "a/b/c", "x" * 300])
def test_nonsense_gets_a_list_of_what_there_is(name: str) -> None:
    detail = refused(name, *usable())
    assert "GET /api/models" in detail or "no key" in detail or "longer than 200" in detail
    assert len(detail) < 500
    assert refused(name)


def test_every_known_provider_has_an_address_that_can_be_used() -> None:
    for known in catalog.KNOWN:
        assert known.base_url is None or known.base_url.startswith("https://")
        assert known.name in catalog.remedy(known.name)

"""Which providers there are, which can be used now, and which one a model's name means."""

from collections.abc import Sequence

import msgspec
from yarl import URL

from airuns.errors import InvalidInput
from airuns.server.models import prices
from airuns.server.models.call import Endpoint, Protocol
from airuns.server.models.local import LocalModel
from airuns.server.settings import Settings


class Known(msgspec.Struct, frozen=True):
    """A provider that needs only a key. Its key is NAME_API_KEY, or that of one of `also`.

    `base_url` None: it has no address of its own, and is used when NAME_BASE_URL says where it is.
    """

    name: str
    base_url: str | None
    protocol: Protocol = "openai"
    also: tuple[str, ...] = ()


KNOWN: tuple[Known, ...] = (
    Known("openai", "https://api.openai.com/v1"),
    Known("anthropic", "https://api.anthropic.com/v1", "anthropic"),
    Known("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", also=("google",)),
    Known("mistral", "https://api.mistral.ai/v1"),
    Known("groq", "https://api.groq.com/openai/v1"),
    Known("deepseek", "https://api.deepseek.com/v1"),
    Known("xai", "https://api.x.ai/v1"),
    Known("cohere", "https://api.cohere.ai/compatibility/v1", also=("co",)),
    Known("perplexity", "https://api.perplexity.ai"),
    Known("moonshot", "https://api.moonshot.ai/v1"),
    Known("zai", "https://api.z.ai/api/paas/v4"),
    Known("cerebras", "https://api.cerebras.ai/v1"),
    Known("together", "https://api.together.xyz/v1"),
    Known("fireworks", "https://api.fireworks.ai/inference/v1"),
    Known("openrouter", "https://openrouter.ai/api/v1"),
    Known("ollama", None),
)
NAME_LENGTH = 200

BY_NAME = {known.name: known for known in KNOWN}


def endpoints(
    settings: Settings, stored: Sequence[Endpoint], local: LocalModel | None
) -> list[Endpoint]:
    """Return what can be called now: the local model, the stored providers, the environment's.

    A stored provider wins over the environment's of the same name.
    """
    found = {endpoint.name: endpoint for endpoint in ([local.endpoint] if local else [])}
    found.update({endpoint.name: endpoint for endpoint in stored if endpoint.name not in found})
    for known in KNOWN:
        key = _key(known, settings)
        url = settings.provider_urls.get(known.name)
        if known.name not in found and (key or url) and (url or known.base_url):
            found[known.name] = endpoint(known.name, known.protocol, url, key)
    return list(found.values())


def endpoint(name: str, protocol: Protocol, base_url: str | None, key: str | None) -> Endpoint:
    """Return the endpoint of a provider, at its usual address when `base_url` is None.

    An address without a path gets /v1, where nearly all serve and what Anthropic's own clients add.
    """
    known = BY_NAME.get(name)
    if base_url is None:
        url = (known.base_url if known else None) or ""
    else:
        url = base_url.rstrip("/")
        if protocol != "any-llm" and URL(url).path in ("", "/"):
            url += "/v1"
    return Endpoint(name=name, protocol=protocol, base_url=url, key=key)


def _key(known: Known, settings: Settings) -> str | None:
    names = (known.name, *known.also)
    return next((key for name in names if (key := settings.provider_keys.get(name))), None)


def variable(name: str) -> str:
    """Return the environment variable that makes a known provider usable."""
    return name.upper() + ("_API_KEY" if BY_NAME[name].base_url else "_BASE_URL")


def remedy(name: str) -> str:
    """Say how a known provider that cannot be used now becomes usable."""
    missing = "key" if BY_NAME[name].base_url else "address"
    return (
        f"{name} is known but has no {missing}: set {variable(name)} "
        "or store one under /api/model-providers."
    )


def resolve(model: str, usable: Sequence[Endpoint]) -> tuple[Endpoint, str]:
    """Return the endpoint of a model and the provider's own name for it.

    `model` is `provider/name`. A bare name means the provider that makes the model, if it can be
    used; else the only usable provider known to have it.

    Raises InvalidInput (field model) that says what can be used and how to get the rest.
    """
    if len(model) > NAME_LENGTH:
        raise InvalidInput(f"model is longer than {NAME_LENGTH} characters.", field="model")
    provider, slash, name = model.partition("/")
    by_name = {endpoint.name: endpoint for endpoint in usable}
    if slash and name and provider in by_name:
        return _offered(by_name[provider], name)
    if slash and provider in BY_NAME:
        raise InvalidInput(remedy(provider), field="model")
    having = [endpoint for endpoint in usable if model in endpoint.models] or _having(model, usable)
    if len(having) == 1:
        return having[0], model
    if having:
        names = ", ".join(f"{endpoint.name}/{model}" for endpoint in having)
        raise InvalidInput(f"Several providers have {model}: name one of {names}.", field="model")
    raise _unknown(model, by_name)


def _offered(endpoint: Endpoint, name: str) -> tuple[Endpoint, str]:
    if endpoint.models and name not in endpoint.models:
        offered = ", ".join(f"{endpoint.name}/{model}" for model in endpoint.models)
        raise InvalidInput(
            f"{endpoint.name} has no model {name[:100]}; it has {offered}.", field="model"
        )
    return endpoint, name


def _having(model: str, usable: Sequence[Endpoint]) -> list[Endpoint]:
    maker = prices.maker_of(model)
    return [endpoint for endpoint in usable if endpoint.name == maker] or [
        endpoint for endpoint in usable if prices.knows(endpoint.name, model)
    ]


def _unknown(model: str, usable: dict[str, Endpoint]) -> InvalidInput:
    maker = prices.maker_of(model)
    if maker in BY_NAME and maker not in usable:
        return InvalidInput(remedy(maker), field="model")
    now = ", ".join(f"{name}/…" for name in usable) or "none"
    return InvalidInput(
        f"There is no model {model[:100]!r}. Write provider/name; providers that can be used now: "
        f"{now}. GET /api/models lists their models and how to get others.",
        field="model",
    )

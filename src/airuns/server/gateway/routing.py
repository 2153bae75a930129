"""Where a call goes: which endpoints serve a model, in the order in which they are tried."""

from collections.abc import Mapping, Sequence

import msgspec
from yarl import URL

from airuns.errors import AirunsError, InvalidInput
from airuns.server.gateway.protocols import Dialect
from airuns.server.gateway.store import Alias
from airuns.server.models import catalog
from airuns.server.models.call import Endpoint

MOST_FALLBACKS = 5
ANTHROPIC_VERSION = "2023-06-01"


class NoSuchModel(AirunsError):
    """There is no such model"""

    status = 404
    code = "model_not_found"


class Target(msgspec.Struct, frozen=True):
    """A model at an endpoint; `model` is the provider's own name, None where none is named."""

    endpoint: Endpoint
    model: str | None

    @property
    def name(self) -> str:
        """How one names it here."""
        return f"{self.endpoint.name}/{self.model}" if self.model else self.endpoint.name


def targets(
    model: str,
    fallbacks: Sequence[str],
    aliases: Mapping[str, Alias],
    usable: Sequence[Endpoint],
    path: str,
) -> list[Target]:
    """Return what to call for a model, and what to call when that fails.

    Raises NoSuchModel and InvalidInput, which say what there is.
    """
    alias = aliases.get(model)
    named = [alias.model, *alias.fallbacks] if alias else [model]
    named += fallbacks
    try:
        found = [Target(*catalog.resolve(one, usable)) for one in named]
    except InvalidInput as error:
        raise NoSuchModel(error.detail, field="model") from None
    for target in found:
        _check(target.endpoint, path)
    return found


def without_model(
    provider: str | None, default: str | None, usable: Sequence[Endpoint], dialect: Dialect
) -> Target:
    """Return where a call goes that names no model, such as of files: to `provider`, if given.

    Else to the default, the provider whose protocol it is, or the only one that can be used.
    Raises InvalidInput that names the header.
    """
    by_name = {endpoint.name: endpoint for endpoint in usable}
    for name in (provider, default):
        if name in by_name:
            return Target(by_name[name], None)
        if name:
            now = ", ".join(by_name) or "none"
            raise InvalidInput(f"There is no usable provider {name}; usable now: {now}.")
    others = [name for name in by_name if name != "local"]
    if dialect in by_name or len(others) == 1:
        return Target(by_name[dialect if dialect in by_name else others[0]], None)
    raise InvalidInput(
        "Which provider is meant? The request names no model: send the header airuns-provider, "
        "or set AIRUNS_DEFAULT_PROVIDER."
    )


def _check(endpoint: Endpoint, path: str) -> None:
    if endpoint.protocol == "any-llm":
        raise InvalidInput(
            f"{endpoint.name} speaks neither OpenAI's nor Anthropic's protocol, so the gateway "
            "cannot pass calls through; POST /api/prompt/run can call it.",
            field="model",
        )
    if path.startswith("/v1/messages") and endpoint.protocol != "anthropic":
        raise InvalidInput(
            f"{endpoint.name} does not speak Anthropic's protocol. Call it with an OpenAI client, "
            "or name a model of a provider that does.",
            field="model",
        )


def url_of(endpoint: Endpoint, path: str, query: str) -> URL:
    """Return the address of a path below /v1 at an endpoint, whose own query is kept."""
    base, _, own = endpoint.base_url.partition("?")
    whole = base.rstrip("/") + path.removeprefix("/v1")
    both = "&".join(one for one in (own, query) if one)
    return URL(f"{whole}?{both}" if both else whole, encoded=True)


def credentials(endpoint: Endpoint, dialect: Dialect) -> dict[str, str]:
    """Return the headers that carry the provider's key, as the called protocol has them."""
    if endpoint.key is None:
        return {}
    if endpoint.protocol == "anthropic" and dialect == "anthropic":
        return {"x-api-key": endpoint.key}
    return {"Authorization": f"Bearer {endpoint.key}"}

"""What a call costs, exactly: in Decimal, by disjoint buckets of tokens, tier by the whole prompt.

The user's own price wins; then comes the table of genai-prices, as it stood at the time of the
call. What is unknown is None and never 0; a local model is known to cost 0. What tools of the
provider charge beside tokens (searches, storage) is in no usage and so in no cost.
"""

import importlib.metadata
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from airuns.server.models.call import Usage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# Our names of providers, where genai-prices has others.
PRICED_AS = {
    "azureopenai": "azure",
    "bedrock": "aws",
    "gemini": "google",
    "moonshot": "moonshotai",
    "vertexai": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
}
NAMED = {theirs: ours for ours, theirs in PRICED_AS.items() if ours != "vertexai"}

# A 1-hour cache write costs twice the base input price (Anthropic API, "Prompt caching", pricing).
ANTHROPIC_WRITE_1H = 2


class OwnPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own price of a model, in USD per million tokens; `input` is for uncached ones.

    Cached tokens cost what their field says; without it, reads and 5-minute writes cost as input
    and 1-hour writes as 5-minute ones.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None


class Cost(msgspec.Struct, frozen=True):
    """What a call cost, and the price that was used, ready for JSON and never to change again.

    `price` has `source` (own, local, genai-prices), the unit prices as decimal strings in USD per
    million tokens, and for genai-prices its version, provider, model and the tier that applied.
    """

    usd: Decimal
    price: dict[str, Any]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Unit prices of one call in USD per million tokens, `request` for the call; None: unknown."""

    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None
    cache_write_5m: Decimal | None
    cache_write_1h: Decimal | None
    request: Decimal = Decimal(0)


class _Tier(msgspec.Struct, frozen=True):
    """Rates of prompts of more than `above` tokens, and how they are told; None: of the others."""

    above: int | None
    rates: Rates
    price: dict[str, Any]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A model in the price table: its context size in tokens and its base rates."""

    provider: str
    name: str
    context_size: int | None
    rates: Rates


def cost_of(
    usage: Usage, provider: str, model: str, own: OwnPrice | None, at: datetime
) -> Cost | None:
    """Return what a call at the time `at` cost; None when its tokens or its price are unknown."""
    if own is not None:
        rates = rates_of(own)
        return _cost(usage, rates, {"source": "own"} | told(rates))
    if provider == "local":
        usd = None if usage.input is None or usage.output is None else Decimal(0)
        return None if usd is None else Cost(usd, {"source": "local"})
    found = _find(provider, model)
    if found is None or usage.input is None:
        return None
    prices = found[1].get_prices(at)
    # The prices are objects of the table, which stays: the same one has the same rates for ever.
    tiers = _known_tiers().get(id(prices))
    if tiers is None:
        tiers = _known_tiers()[id(prices)] = _priced(*found, prices)
    known = next(each for each in tiers if each.above is None or usage.input > each.above)
    return _cost(usage, known.rates, known.price)


def _priced(provider: "Provider", model: "ModelInfo", prices: "ModelPrice") -> "list[_Tier]":
    """Return a model's rates by the tokens of the whole prompt, the highest tier first."""
    starts: list[int | None] = [*sorted(set(_tiers(prices)), reverse=True), None]
    source = {
        "source": "genai-prices",
        "version": importlib.metadata.version("genai-prices"),
        "provider": provider.id,
        "model": model.id,
    }
    found: list[_Tier] = []
    for start in starts:
        rates = _rates(provider, prices, 0 if start is None else start + 1)
        price = {**source, "tier_above_input_tokens": start, **told(rates)}
        found.append(_Tier(start, rates, price))
    return found


def _cost(usage: Usage, rates: Rates, price: dict[str, Any]) -> Cost | None:
    if usage.input is None or usage.output is None:
        return None
    read, write_5m, write_1h = (
        tokens or 0 for tokens in (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    )
    uncached = max(0, usage.input - read - write_5m - write_1h)
    usd = rates.request
    for tokens, rate in (
        (uncached, rates.input),
        (usage.output, rates.output),
        (read, rates.cache_read),
        (write_5m, rates.cache_write_5m),
        (write_1h, rates.cache_write_1h),
    ):
        if tokens and rate is None:
            return None
        usd += (tokens * (rate or Decimal(0))).scaleb(-6)
    return Cost(usd, price)


def told(rates: Rates) -> dict[str, str | None]:
    """Return rates as decimal strings; a fee for the request only when there is one."""
    values = msgspec.structs.asdict(rates)
    if not rates.request:
        del values["request"]
    return {name: None if rate is None else format(rate, "f") for name, rate in values.items()}


def rates_of(own: OwnPrice) -> Rates:
    """Return the rates that a user's own price stands for."""
    write_5m = own.input if own.cache_write_5m is None else own.cache_write_5m
    return Rates(
        input=own.input,
        output=own.output,
        cache_read=own.input if own.cache_read is None else own.cache_read,
        cache_write_5m=write_5m,
        cache_write_1h=write_5m if own.cache_write_1h is None else own.cache_write_1h,
    )


def _rates(provider: "Provider", prices: "ModelPrice", input_tokens: int) -> Rates:
    """Choose the tier of each price by the whole prompt. A cache without a price costs as input."""

    def rate(name: str) -> Decimal | None:
        price = getattr(prices, name)
        for tier in reversed(getattr(price, "tiers", ())):
            if input_tokens > tier.start:
                return tier.price
        return getattr(price, "base", price)

    def first(*names: str) -> Decimal | None:
        return next((value for name in names if (value := rate(name)) is not None), None)

    write_1h = rate("cache_write_1h_mtok")
    if write_1h is None and provider.id == "anthropic" and (base := rate("input_mtok")) is not None:
        write_1h = base * ANTHROPIC_WRITE_1H
    return Rates(
        input=rate("input_mtok"),
        output=rate("output_mtok"),
        cache_read=first("cache_read_mtok", "input_mtok"),
        cache_write_5m=first("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
        cache_write_1h=write_1h,
        request=(rate("requests_kcount") or Decimal(0)) / 1000,
    )


def _tiers(prices: "ModelPrice") -> Iterator[int]:
    for name in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"):
        yield from (tier.start for tier in getattr(getattr(prices, name), "tiers", ()))


def warm() -> None:
    """Load the price table: call it in a thread before it is needed; it takes about a second."""
    _snapshot()


def knows(provider: str, model: str) -> bool:
    """Tell whether the price table has this model as one of the provider's own."""
    priced = _provider(provider)
    return priced is not None and priced.find_model(model) is not None


def maker_of(model: str) -> str | None:
    """Return our name of the provider that makes the model of this bare name, or None."""
    try:
        found = _snapshot().find_provider(model.lower(), None, None)
    except LookupError:
        return None
    return NAMED.get(found.id, found.id)


def listed(provider: str, at: datetime) -> list[Listed]:
    """Return the provider's models in the price table that answer with text."""
    priced = _provider(provider)
    models = [] if priced is None else priced.models
    return [
        Listed(
            provider=provider,
            name=model.id,
            context_size=model.context_window,
            rates=_rates(priced, model.get_prices(at), 0),
        )
        for model in models
        if priced is not None and model.get_prices(at).output_mtok is not None
    ]


def listed_one(provider: str, model: str, at: datetime) -> Listed | None:
    """Return what the price table says of one model."""
    found = _find(provider, model)
    if found is None:
        return None
    return Listed(
        provider=provider,
        name=model,
        context_size=found[1].context_window,
        rates=_rates(found[0], found[1].get_prices(at), 0),
    )


@lru_cache(maxsize=4096)
def _find(provider: str, model: str) -> "tuple[Provider, ModelInfo] | None":
    priced = _provider(provider)
    found = priced and priced.find_model(model, all_providers=_snapshot().providers)
    return (priced, found) if priced and found else None


@lru_cache(maxsize=256)
def _provider(name: str) -> "Provider | None":
    """Find a provider by its exact name: a proxy that calls itself my-openai has other prices."""
    wanted = PRICED_AS.get(name, name)
    return next((one for one in _snapshot().providers if one.id == wanted), None)


@cache
def _known_tiers() -> dict[int, list[_Tier]]:
    return {}


@cache
def _snapshot() -> "DataSnapshot":
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()

"""What GET /api/models and GET /api/model-providers show: everything that can be named, and how."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from airuns.server.models import catalog, prices
from airuns.server.models.call import Endpoint, Protocol
from airuns.server.models.local import LocalModel
from airuns.server.models.prices import OwnPrice, Rates
from airuns.server.models.store import StoredProvider, UsedModel

PriceSource = Literal["own", "local", "genai-prices"]
ProviderSource = Literal["stored", "environment", "local"]


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens, as decimal strings; null is unknown.

    Prices that depend on the size of the prompt are those of a small one.
    """

    source: PriceSource
    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None
    cache_write_5m: Decimal | None
    cache_write_1h: Decimal | None


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model. `model` is what a request names; `remedy` says what to do when it is not usable."""

    model: str
    provider: str
    name: str
    usable: bool
    remedy: str | None
    context_size: int | None
    price: Price | None


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider. Its key is never shown; `remedy` says what to do when it is not usable."""

    name: str
    protocol: Protocol
    base_url: str | None
    source: ProviderSource | None
    has_key: bool
    usable: bool
    remedy: str | None


def models(
    usable: list[Endpoint], used: list[UsedModel], local: LocalModel | None, at: datetime
) -> list[ModelRow]:
    """Return the models of usable providers, then those of known providers that lack a key."""
    used_by_provider: dict[str, dict[str, UsedModel]] = {}
    for one in used:
        used_by_provider.setdefault(one.provider, {})[one.name] = one
    rows: list[ModelRow] = []
    for endpoint in usable:
        context_size = local.context_size if local and endpoint == local.endpoint else None
        mine = used_by_provider.get(endpoint.name, {})
        names = endpoint.models or sorted({*_priced(endpoint.name, at), *mine})
        rows += [_row(endpoint.name, name, mine.get(name), context_size, at) for name in names]
    return rows + [row for name in _unusable(usable) for row in _locked(name, at)]


def model_row(
    model: str, used: list[UsedModel], local: LocalModel | None, at: datetime
) -> ModelRow:
    """Return what is known of a model that somebody names as provider/name."""
    provider, _, name = model.partition("/")
    mine = next((each for each in used if (each.provider, each.name) == (provider, name)), None)
    is_local = local is not None and (provider, name) == (local.endpoint.name, local.model)
    return _row(provider, name, mine, local.context_size if local and is_local else None, at)


def _priced(provider: str, at: datetime) -> Iterable[str]:
    return (one.name for one in prices.listed(provider, at))


def _unusable(usable: list[Endpoint]) -> list[str]:
    names = {endpoint.name for endpoint in usable}
    return [known.name for known in catalog.KNOWN if known.name not in names]


def _locked(provider: str, at: datetime) -> list[ModelRow]:
    remedy = catalog.remedy(provider)
    return [
        msgspec.structs.replace(_row(provider, name, None, None, at), usable=False, remedy=remedy)
        for name in _priced(provider, at)
    ]


def _row(
    provider: str, name: str, used: UsedModel | None, context_size: int | None, at: datetime
) -> ModelRow:
    listed = prices.listed_one(provider, name, at)
    return ModelRow(
        model=f"{provider}/{name}",
        provider=provider,
        name=name,
        usable=True,
        remedy=None,
        context_size=context_size
        or (used and used.context_size)
        or (listed.context_size if listed else None),
        price=_price(provider, used.own_price if used else None, listed.rates if listed else None),
    )


def _price(provider: str, own: OwnPrice | None, rates: Rates | None) -> Price | None:
    if own is not None:
        return _told("own", prices.rates_of(own))
    if provider == "local":
        return _told("local", prices.rates_of(OwnPrice(input=Decimal(0), output=Decimal(0))))
    return None if rates is None else _told("genai-prices", rates)


def _told(source: PriceSource, rates: Rates) -> Price:
    return Price(
        source=source,
        input=rates.input,
        output=rates.output,
        cache_read=rates.cache_read,
        cache_write_5m=rates.cache_write_5m,
        cache_write_1h=rates.cache_write_1h,
    )


def providers(
    usable: list[Endpoint], stored: list[StoredProvider], local: LocalModel | None
) -> list[ProviderRow]:
    """Return the providers that can be used, then those that cannot, and why."""
    by_name = {one.name: one for one in stored}
    rows = [_provider(endpoint, by_name, local) for endpoint in usable]
    names = {endpoint.name for endpoint in usable}
    rows += [_unreadable(one) for one in stored if one.name not in names]
    shown = {row.name for row in rows}
    return rows + [
        ProviderRow(
            name=known.name,
            protocol=known.protocol,
            base_url=known.base_url,
            source=None,
            has_key=False,
            usable=False,
            remedy=catalog.remedy(known.name),
        )
        for known in catalog.KNOWN
        if known.name not in shown
    ]


def _provider(
    endpoint: Endpoint, stored: dict[str, StoredProvider], local: LocalModel | None
) -> ProviderRow:
    is_local = local is not None and endpoint == local.endpoint
    source = "local" if is_local else "stored" if endpoint.name in stored else "environment"
    return ProviderRow(
        name=endpoint.name,
        protocol=endpoint.protocol,
        base_url=endpoint.base_url,
        source=source,
        has_key=endpoint.key is not None and not is_local,
        usable=True,
        remedy=None,
    )


def _unreadable(stored: StoredProvider) -> ProviderRow:
    return ProviderRow(
        name=stored.name,
        protocol=stored.protocol,
        base_url=stored.base_url,
        source="stored",
        has_key=True,
        usable=False,
        remedy="Its key was stored under another AIRUNS_SECRET_KEY: store the key again.",
    )

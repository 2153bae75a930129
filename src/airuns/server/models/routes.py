"""The HTTP interface of models and their providers, under /api/models and /api/model-providers."""

import asyncio
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType
from yarl import URL

from airuns.errors import InvalidInput, NotFound
from airuns.server.db.door import As, Database
from airuns.server.given import GivenDatabase, GivenSettings, GivenUser
from airuns.server.models import catalog, listing, store
from airuns.server.models.call import Endpoint, Protocol
from airuns.server.models.listing import ModelRow, ProviderRow
from airuns.server.models.local import LocalModel
from airuns.server.models.prices import OwnPrice
from airuns.server.models.probe import Probe, probe
from airuns.server.models.vault import Vault
from airuns.server.pages import Page
from airuns.server.settings import Settings
from airuns.server.text import check_text

AnyRequest = Request[Any, Any, Any]

PRICE = "/price"
LOCAL = "local"

PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
HIGHEST_RATE = 1_000_000
DECIMALS = 12


class ProviderChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A provider to store. Fields that a known provider has by itself may be left out.

    Without `key` a stored key stays; null removes it.
    """

    protocol: Protocol | UnsetType = UNSET
    base_url: Annotated[str, Meta(max_length=2000)] | None = None
    key: Annotated[str, Meta(min_length=1, max_length=4000)] | None | UnsetType = UNSET


class PriceChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """USD per million tokens, as decimal strings. A cache price left out is the input price."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None


class Trial(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to try a provider: by listing its models, or by asking `model` for one token."""

    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


@get("/")
async def list_models(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    provider: Annotated[str | None, QueryParameter(description="Only this one's models.")] = None,
    usable: FromQuery[bool | None] = None,
) -> Page[ModelRow]:
    """List the models that can be named, what they cost, and what is missing to use them."""
    local = _local(request)
    vault = Vault.open(settings)
    async with db.transaction(who) as tx:
        stored = await store.providers(tx, who.user_id, vault)
        used = await store.models(tx, who.user_id)
    endpoints = catalog.endpoints(settings, stored, local)
    rows = await asyncio.to_thread(listing.models, endpoints, used, local, datetime.now(UTC))
    wanted = [
        row for row in rows if provider in (None, row.provider) and usable in (None, row.usable)
    ]
    return Page(wanted, None)


@put("/{provider:str}/{name:path}")
async def put_price(
    provider: FromPath[str],
    name: FromPath[str],
    data: JSONBody[PriceChange],
    db: GivenDatabase,
    who: GivenUser,
) -> OwnPrice:
    """Set one's own price of a model: the path is the model's name and /price."""
    provider, name = _priced(provider, name)
    price = _price(data)
    async with db.transaction(who) as tx:
        await store.set_own_price(tx, who.user_id, provider, name, price)
    return price


@delete("/{provider:str}/{name:path}")
async def delete_price(
    provider: FromPath[str], name: FromPath[str], db: GivenDatabase, who: GivenUser
) -> None:
    """Go back to the price table: the path is the model's name and /price."""
    provider, name = _priced(provider, name)
    async with db.transaction(who) as tx:
        if not await store.clear_own_price(tx, who.user_id, provider, name):
            raise NotFound(f"There is no own price of {provider}/{name}.")


@get("/")
async def list_providers(
    request: AnyRequest, db: GivenDatabase, who: GivenUser, settings: GivenSettings
) -> Page[ProviderRow]:
    """List providers: those that can be used, and what the others lack."""
    return Page(await _providers(request, db, who, settings), None)


@get("/{name:str}")
async def get_provider(
    name: FromPath[str],
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
) -> ProviderRow:
    """Show a provider; its key is never shown."""
    return _named(name, await _providers(request, db, who, settings))


@put("/{name:str}")
async def put_provider(
    name: FromPath[str],
    data: JSONBody[ProviderChange],
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
) -> ProviderRow:
    """Store a provider, or replace it. A stored provider wins over the environment's."""
    check_text(data)
    protocol = _protocol(name, data)
    vault = Vault.open(settings)
    async with db.transaction(who) as tx:
        if data.key is UNSET:
            await _keep_key(tx, who, name, data)
        await store.put_provider(
            tx,
            who.user_id,
            name=name,
            protocol=protocol,
            base_url=data.base_url,
            key_encrypted=vault.encrypt(data.key) if data.key else None,
            keep_key=data.key is UNSET,
        )
    request.app.state.guard.forget()
    return _named(name, await _providers(request, db, who, settings))


@delete("/{name:str}")
async def delete_provider(
    name: FromPath[str], request: AnyRequest, db: GivenDatabase, who: GivenUser
) -> None:
    """Delete a stored provider with its key."""
    async with db.transaction(who) as tx:
        if not await store.delete_provider(tx, who.user_id, name):
            raise NotFound(f"There is no stored provider {name}.")
    request.app.state.guard.forget()


@post("/{name:str}/test", status_code=200)
async def test_provider(
    name: FromPath[str],
    data: JSONBody[Trial],
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
) -> Probe:
    """Try a provider and say what came, be it an error of the provider's."""
    endpoints = await _endpoints(request, db, who, settings)
    endpoint = next((one for one in endpoints if one.name == name), None)
    if endpoint is None:
        raise NotFound(f"There is no usable provider {name}; GET /api/model-providers lists them.")
    if endpoint.protocol == "any-llm" and data.model is None:
        raise InvalidInput("model is missing: this provider is tried with one.", field="model")
    return await probe(endpoint, data.model, request.app.state.http)


def _local(request: AnyRequest) -> LocalModel | None:
    return request.app.state.local


def _priced(provider: str, name: str) -> tuple[str, str]:
    name = name.strip("/")
    if not name.endswith(PRICE):
        raise NotFound(f"A model's own price is at /api/models/{provider}/{name}{PRICE}.")
    name = name.removesuffix(PRICE)
    if len(name) > catalog.NAME_LENGTH or len(provider) > 63:
        raise NotFound("There is no model of such a long name.")
    return provider, name


def _price(data: PriceChange) -> OwnPrice:
    """Check each price. Raises InvalidInput naming the first that is none."""
    rates: dict[str, Decimal | None] = msgspec.structs.asdict(data)
    for field, rate in rates.items():
        if rate is not None and not _is_rate(rate):
            raise InvalidInput(
                f"{field} must be USD per million tokens, from 0 to {HIGHEST_RATE} "
                f"and with at most {DECIMALS} decimals.",
                field=field,
            )
    return OwnPrice(**msgspec.structs.asdict(data))


def _is_rate(rate: Decimal) -> bool:
    return rate.is_finite() and 0 <= rate <= HIGHEST_RATE and rate == round(rate, DECIMALS)


async def _endpoints(
    request: AnyRequest, db: Database, who: As, settings: Settings
) -> list[Endpoint]:
    vault = Vault.open(settings)
    async with db.transaction(who) as tx:
        stored = await store.providers(tx, who.user_id, vault)
    return catalog.endpoints(settings, stored, _local(request))


async def _providers(
    request: AnyRequest, db: Database, who: As, settings: Settings
) -> list[ProviderRow]:
    async with db.transaction(who) as tx:
        stored = await store.stored_providers(tx, who.user_id)
    vault = Vault.open(settings)
    readable = [one for each in stored if (one := store.endpoint(each, vault)) is not None]
    local = _local(request)
    return listing.providers(catalog.endpoints(settings, readable, local), stored, local)


def _named(name: str, rows: list[ProviderRow]) -> ProviderRow:
    for row in rows:
        if row.name == name:
            return row
    raise NotFound(f"There is no provider {name}; GET /api/model-providers lists them.")


def _protocol(name: str, data: ProviderChange) -> Protocol:
    """Return the protocol of a provider to store. Raises InvalidInput for what cannot be called."""
    if not PROVIDER_NAME.fullmatch(name):
        raise InvalidInput(
            "name must be at most 63 lower-case letters, digits, dots, dashes and underscores.",
            field="name",
        )
    if name == LOCAL:
        raise InvalidInput("name cannot be local: that is the server's own model.", field="name")
    known = catalog.BY_NAME.get(name)
    protocol: Protocol = known.protocol if known else "openai"
    if data.protocol is not UNSET:
        protocol = data.protocol
    if data.base_url is not None:
        _check_url(data.base_url)
    elif protocol != "any-llm" and not (known and known.base_url):
        raise InvalidInput(
            f"base_url is missing: where is {name}, such as https://models.example/v1?",
            field="base_url",
        )
    return protocol


def _check_url(text: str) -> None:
    try:
        url = URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and not url.fragment
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput(
            "base_url must be an address such as https://models.example/v1.", field="base_url"
        )


async def _keep_key(tx: store.Transaction, who: As, name: str, data: ProviderChange) -> None:
    """Refuse to send a stored key somewhere else: whoever changes the address must know the key."""
    for stored in await store.stored_providers(tx, who.user_id):
        moved = stored.base_url != data.base_url
        if stored.name == name and stored.key_encrypted is not None and moved:
            raise InvalidInput(
                "key is missing: send it again when base_url changes, or null to remove it.",
                field="key",
            )


routes = [
    Router(
        "/api/models",
        route_handlers=[list_models, put_price, delete_price],
        tags=["models"],
    ),
    Router(
        "/api/model-providers",
        route_handlers=[
            list_providers,
            get_provider,
            put_provider,
            delete_provider,
            test_provider,
        ],
        tags=["models"],
    ),
]

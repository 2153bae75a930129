"""The model picker: what can be chosen, with those used lately on top, and what the rest lacks."""

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.db.door import As, Database
from airuns.server.given import GivenDatabase, GivenSettings, GivenUser
from airuns.server.models import catalog, listing, store
from airuns.server.models.call import Endpoint
from airuns.server.models.listing import ModelRow
from airuns.server.models.local import LocalModel
from airuns.server.models.store import UsedModel
from airuns.server.models.vault import Vault
from airuns.server.settings import Settings

AnyRequest = Request[Any, Any, Any]

SHOWN = 60
OFFERED = 5


class Locked(msgspec.Struct, frozen=True):
    """Models of a provider that cannot be used until `variable` is set or a key is stored."""

    provider: str
    variable: str
    lacks_key: bool
    models: list[ModelRow]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the picker shows: `typed` are names as they were typed, which no list has.

    `default` is the model of a run that names none; `more` is how many there was no room for.
    """

    default: str | None
    recent: list[ModelRow]
    usable: list[ModelRow]
    typed: list[str]
    locked: list[Locked]
    more: int


class Reach(msgspec.Struct, frozen=True):
    """What a user can call and has called, the models of the last calls first."""

    endpoints: list[Endpoint]
    used: list[UsedModel]
    recent: list[str]


@get("/ai/models/picker", include_in_schema=False)
async def picker(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    q: Annotated[str | None, QueryParameter(max_length=catalog.NAME_LENGTH)] = None,
) -> Template:
    """Answer with the dialog, or with its list of what `q` matches."""
    local: LocalModel | None = request.app.state.local
    reach = await _reach(db, who, settings, local)
    found = await asyncio.to_thread(choices, reach, local, (q or "").strip(), datetime.now(UTC))
    part = "_picker_dialog.html" if q is None else "_picker_list.html"
    return ui.page(request, f"models/pages/{part}", choices=found, q=(q or "").strip())


async def _reach(db: Database, who: As, settings: Settings, local: LocalModel | None) -> Reach:
    vault = Vault.open(settings)
    async with db.transaction(who) as tx:
        stored = await store.providers(tx, who.user_id, vault)
        used = await store.models(tx, who.user_id)
        recent = await store.recent(tx, who.user_id)
    return Reach(catalog.endpoints(settings, stored, local), used, recent)


def choices(reach: Reach, local: LocalModel | None, q: str, at: datetime) -> Choices:
    """Choose what the picker shows for the words of `q`; without any, what fits of everything."""
    rows = _matching(_rows(reach, local, at), q)
    by_name = {row.model: row for row in rows if row.usable}
    recent = [by_name.pop(model) for model in reach.recent if model in by_name]
    usable = sorted(
        by_name.values(), key=lambda row: (not row.name.startswith(q), _is_obscure(row))
    )
    locked = [row for row in rows if not row.usable]
    room = SHOWN - len(recent)
    return Choices(
        default=f"local/{local.model}" if local and not q else None,
        recent=recent,
        usable=usable[:room],
        typed=_typed(q, reach.endpoints, {row.model for row in rows}),
        locked=_by_provider(locked[: max(0, room - len(usable))]),
        more=max(0, len(rows) - SHOWN),
    )


def _is_obscure(row: ModelRow) -> bool:
    """Tell models that hardly anybody looks for: of old ones nobody knows the context size."""
    return row.provider != "local" and row.context_size is None


def _rows(reach: Reach, local: LocalModel | None, at: datetime) -> tuple[ModelRow, ...]:
    """Return all models. Prices change by the day at most, so lists are kept for an hour."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    callable_ = tuple(_without_key(endpoint, local) for endpoint in reach.endpoints)
    return _listed(callable_, tuple(reach.used), local, hour)


@lru_cache(maxsize=64)
def _listed(
    endpoints: tuple[Endpoint, ...],
    used: tuple[UsedModel, ...],
    local: LocalModel | None,
    hour: datetime,
) -> tuple[ModelRow, ...]:
    return tuple(listing.models(list(endpoints), list(used), local, hour))


def _without_key(endpoint: Endpoint, local: LocalModel | None) -> Endpoint:
    """Return an endpoint fit to be kept: no cache holds a user's key."""
    if local and endpoint == local.endpoint:
        return endpoint
    return msgspec.structs.replace(endpoint, key=None)


def _matching(rows: tuple[ModelRow, ...], q: str) -> list[ModelRow]:
    words = q.lower().split()
    return [row for row in rows if all(word in row.model.lower() for word in words)]


def _typed(q: str, endpoints: list[Endpoint], known: set[str]) -> list[str]:
    """Return what `q` names if a provider takes any name: lists are never complete."""
    if not q or " " in q or q in known:
        return []
    open_ = [endpoint.name for endpoint in endpoints if not endpoint.models]
    provider, _, name = q.partition("/")
    if name and provider in open_:
        return [q]
    return [] if known else [f"{provider}/{q}" for provider in open_[:OFFERED]]


def _by_provider(rows: list[ModelRow]) -> list[Locked]:
    groups: dict[str, list[ModelRow]] = {}
    for row in rows:
        groups.setdefault(row.provider, []).append(row)
    return [
        Locked(name, catalog.variable(name), catalog.BY_NAME[name].base_url is not None, models)
        for name, models in groups.items()
    ]


routes = [picker]

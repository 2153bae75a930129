"""The HTTP interface of aliases of models, under /api/model-aliases."""

import re
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from airuns.errors import InvalidInput, NotFound
from airuns.server.gateway import store
from airuns.server.gateway.routing import MOST_FALLBACKS
from airuns.server.gateway.store import Alias
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.models import catalog
from airuns.server.pages import Page
from airuns.server.text import check_text

AnyRequest = Request[Any, Any, Any]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}/\S.*")
MOST_ALIASES = 200

ModelName = Annotated[str, Meta(min_length=1, max_length=264)]


class AliasChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an alias means: provider/name, and what is called in turn when that fails."""

    model: ModelName
    fallbacks: Annotated[list[ModelName], Meta(max_length=MOST_FALLBACKS)] = []


@get("/")
async def list_aliases(db: GivenDatabase, who: GivenUser) -> Page[Alias]:
    """List one's aliases, by name."""
    async with db.transaction(who) as tx:
        return Page(await store.aliases(tx, who.user_id), None)


@put("/{name:str}")
async def put_alias(
    name: FromPath[str],
    data: JSONBody[AliasChange],
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
) -> Alias:
    """Give models a name of one's own for the gateway, or change what it means."""
    check_text(data)
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "name must be at most 100 letters, digits, dots, colons, dashes and underscores.",
            field="name",
        )
    _check(data.model, "model")
    for place, model in enumerate(data.fallbacks):
        _check(model, f"fallbacks[{place}]")
    async with db.transaction(who) as tx:
        if await store.count_others(tx, who.user_id, name) >= MOST_ALIASES:
            raise InvalidInput(f"There can be at most {MOST_ALIASES} aliases.")
        await store.put_alias(tx, who.user_id, name, data.model, data.fallbacks)
        found = await store.aliases(tx, who.user_id)
    request.app.state.guard.forget()
    return next(alias for alias in found if alias.name == name)


@delete("/{name:str}")
async def delete_alias(
    name: FromPath[str], request: AnyRequest, db: GivenDatabase, who: GivenUser
) -> None:
    """Delete an alias."""
    async with db.transaction(who) as tx:
        if not await store.delete_alias(tx, who.user_id, name):
            raise NotFound(f"There is no alias {name[:100]}.")
    request.app.state.guard.forget()


def _check(model: str, field: str) -> None:
    if not MODEL.fullmatch(model) or len(model.partition("/")[2]) > catalog.NAME_LENGTH:
        raise InvalidInput(f"{field} must be provider/name, not {model[:100]}.", field=field)


routes = [
    Router(
        "/api/model-aliases",
        route_handlers=[list_aliases, put_alias, delete_alias],
        tags=["models"],
    )
]

"""The settings of prices: one's own beside the public ones."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.models import catalog, prices, store
from airuns.server.models.prices import OwnPrice, Rates
from airuns.server.models.store import UsedModel

AnyRequest = Request[Any, Any, Any]

# The fields of a price, as the API names them and as people read them.
FIELDS = (
    ("input", "Input", True),
    ("output", "Output", True),
    ("cache_read", "Cache read", False),
    ("cache_write_5m", "Write, 5 min", False),
    ("cache_write_1h", "Write, 1 h", False),
)


class Priced(msgspec.Struct, frozen=True):
    """A model with what it costs by the user's own price and by the public one, if there is one."""

    model: str
    own: Rates
    given: OwnPrice
    public: Rates | None


@get("/settings/prices", include_in_schema=False)
async def prices_page(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Template:
    """Show the models that one has a price of one's own for."""
    async with db.transaction(who) as tx:
        used = await store.models(tx, who.user_id)
    shown = await asyncio.to_thread(_priced, used)
    part = "_" if ui.wants_part(request) else ""
    return ui.page(request, f"models/pages/{part}prices.html", priced=shown, fields=FIELDS)


@get("/settings/prices/form", include_in_schema=False)
async def price_form(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    model: Annotated[str, QueryParameter(max_length=catalog.NAME_LENGTH + 64)] = "",
) -> Template:
    """Answer with the dialog that sets a price, of `model` when it is given."""
    provider, _, name = model.partition("/")
    async with db.transaction(who) as tx:
        own = await store.own_price(tx, who.user_id, provider, name)
    public = await asyncio.to_thread(_public, provider, name)
    return ui.page(
        request,
        "models/pages/_price_form.html",
        model=model,
        own=own,
        public=public,
        fields=FIELDS,
    )


def _priced(used: list[UsedModel]) -> list[Priced]:
    return [
        Priced(
            f"{one.provider}/{one.name}", prices.rates_of(own), own, _public(one.provider, one.name)
        )
        for one in used
        if (own := one.own_price) is not None
    ]


def _public(provider: str, name: str) -> Rates | None:
    listed = prices.listed_one(provider, name, datetime.now(UTC))
    return listed.rates if listed else None


routes = [prices_page, price_form]

"""The settings of the gateway: where clients find it, and one's own names of models."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.gateway import store
from airuns.server.gateway.routing import MOST_FALLBACKS
from airuns.server.given import GivenDatabase, GivenSettings, GivenUser

AnyRequest = Request[Any, Any, Any]


@get("/settings/gateway", include_in_schema=False)
async def gateway_page(
    request: AnyRequest, db: GivenDatabase, who: GivenUser, settings: GivenSettings
) -> Template:
    """Show the addresses for clients, and one's aliases by name."""
    async with db.transaction(who) as tx:
        found = await store.aliases(tx, who.user_id)
    part = "_aliases" if ui.wants_part(request) else "gateway"
    return ui.page(request, f"gateway/pages/{part}.html", aliases=found, url=settings.url)


@get("/settings/gateway/form", include_in_schema=False)
async def alias_form(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    name: Annotated[str, QueryParameter(max_length=100)] = "",
) -> Template:
    """Answer with the dialog of a new alias, or of the one that `name` names."""
    async with db.transaction(who) as tx:
        found = await store.aliases(tx, who.user_id)
    return ui.page(
        request,
        "gateway/pages/_alias_form.html",
        alias=next((alias for alias in found if alias.name == name), None),
        most=MOST_FALLBACKS,
    )


routes: list[HTTPRouteHandler] = [gateway_page, alias_form]

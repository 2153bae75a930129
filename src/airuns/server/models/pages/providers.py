"""The settings of providers: which can be used, where their keys come from, and how to add one."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import GivenDatabase, GivenSettings, GivenUser
from airuns.server.models import catalog, listing, store
from airuns.server.models.listing import ProviderRow
from airuns.server.models.vault import Vault
from airuns.server.settings import Settings

AnyRequest = Request[Any, Any, Any]

PROTOCOLS = (
    ("openai", "OpenAI", "what most servers speak"),
    ("anthropic", "Anthropic", "its messages"),
    ("any-llm", "any-llm", "Bedrock, Vertex AI and others"),
)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A provider on the page. `variable` is the environment's, which `is_set` or could be."""

    row: ProviderRow
    variable: str | None
    is_set: bool


@get("/settings/providers", include_in_schema=False)
async def providers_page(
    request: AnyRequest, db: GivenDatabase, who: GivenUser, settings: GivenSettings
) -> Template:
    """Show the providers in use, and those that only lack a key."""
    async with db.transaction(who) as tx:
        stored = await store.stored_providers(tx, who.user_id)
    vault, local = Vault.open(settings), request.app.state.local
    readable = [one for each in stored if (one := store.endpoint(each, vault)) is not None]
    rows = listing.providers(catalog.endpoints(settings, readable, local), stored, local)
    shown = [_shown(row, settings) for row in rows]
    part = "_" if ui.wants_part(request) else ""
    return ui.page(
        request,
        f"models/pages/{part}providers.html",
        in_use=[one for one in shown if one.row.source],
        known=[one for one in shown if not one.row.source],
        local=local,
        protocols={name: label for name, label, _ in PROTOCOLS},
    )


@get("/settings/providers/form", include_in_schema=False)
async def provider_form(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    name: Annotated[str, QueryParameter(max_length=63)] = "",
) -> Template:
    """Answer with the dialog that stores a provider, or changes the one that `name` names."""
    async with db.transaction(who) as tx:
        stored = {one.name: one for one in await store.stored_providers(tx, who.user_id)}
    return ui.page(
        request,
        "models/pages/_provider_form.html",
        provider=name,
        stored=stored.get(name),
        known=catalog.BY_NAME.get(name),
        protocols=PROTOCOLS,
    )


def _shown(row: ProviderRow, settings: Settings) -> Shown:
    known = catalog.BY_NAME.get(row.name)
    if known is None:
        return Shown(row=row, variable=None, is_set=False)
    given = [
        *(f"{n.upper()}_API_KEY" for n in (known.name, *known.also) if n in settings.provider_keys),
        *(f"{n.upper()}_BASE_URL" for n in (known.name,) if n in settings.provider_urls),
    ]
    variable = given[0] if given else catalog.variable(row.name)
    return Shown(row=row, variable=variable, is_set=bool(given))


routes = [providers_page, provider_form]

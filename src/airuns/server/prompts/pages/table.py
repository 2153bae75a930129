"""The table of prompts, and of the deleted ones."""

from decimal import Decimal
from typing import Annotated, Any, cast, get_args
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import Cursor, GivenDatabase, GivenUser
from airuns.server.prompts import lists
from airuns.server.prompts.lists import Asked, PromptUse, Sort
from airuns.server.prompts.pages import reading
from airuns.server.prompts.pages.examples import EXAMPLES

PAGE = 50
PATH = "/ai/prompts"

AnyRequest = Request[Any, Any, Any]


class Totals(msgspec.Struct, frozen=True):
    """What all prompts come to."""

    runs: int
    cost_30d: Decimal | None


@get(PATH, include_in_schema=False)
async def prompts_page(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    q: Annotated[str, QueryParameter(max_length=200)] = "",
    sort: str = "recent",
    deleted: bool = False,
    cursor: Cursor = None,
) -> Template:
    """Show the prompts that match, 50 at a time; to a script the part that it puts in."""
    by = cast("Sort", sort) if sort in get_args(Sort) else "recent"
    async with db.transaction(who) as tx:
        page = await lists.prompts(
            tx, who.user_id, Asked(cursor, PAGE), q=q, sort=by, deleted=deleted
        )
        ids = [row.id for row in page.items]
        contents = await reading.contents(tx, who.user_id, ids)
        uses = {} if deleted else await lists.use_of(tx, who.user_id, ids)
        counts = await reading.counts(tx, who.user_id)
    part = "_prompt_rows.html" if cursor else "_prompts.html"
    return ui.page(
        request,
        f"prompts/pages/{part if ui.wants_part(request) else 'prompts.html'}",
        headers={"HX-Replace-Url": path_of(q, by, deleted=deleted)} if not cursor else None,
        page=page,
        contents=contents,
        uses=uses,
        totals=_totals(uses) if not (page.next_cursor or cursor or q or deleted) else None,
        counts=counts,
        examples=EXAMPLES,
        q=q,
        sort=by,
        deleted=deleted,
        more=path_of(q, by, deleted=deleted, cursor=page.next_cursor),
    )


def path_of(q: str, sort: Sort, *, deleted: bool, cursor: str | None = None) -> str:
    """Return the shortest address of a view of the table."""
    parameters = {
        "q": q,
        "sort": "" if sort == "recent" else sort,
        "deleted": "true" if deleted else "",
        "cursor": cursor or "",
    }
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{PATH}?{query}" if query else PATH


def _totals(uses: dict[UUID, PromptUse]) -> Totals:
    """Add up the rows of a page that has all prompts."""
    costs = [use.cost_30d for use in uses.values() if use.tasks_30d]
    known = [cost for cost in costs if cost is not None]
    cost = sum(known, Decimal(0)) if known or not costs else None
    return Totals(sum(use.runs for use in uses.values()), cost)


routes: list[HTTPRouteHandler] = [prompts_page]

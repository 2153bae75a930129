"""/ai/analytics: what was used, what it cost, how fast it was."""

from datetime import UTC, datetime

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from airuns.server import ui
from airuns.server.budgets import store as budgets
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.usage import store
from airuns.server.usage.pages.asked import AnyRequest, asked_of
from airuns.server.usage.pages.board import EXTENT, Board


@get("/ai/analytics", include_in_schema=False)
async def analytics_page(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Template:
    """Show the dashboard of a time and its filters."""
    asked, now = asked_of(request), datetime.now(UTC)
    async with db.transaction(who) as tx:
        found = await store.overview(tx, who.user_id, asked.filter, now, asked.by, EXTENT)
        limits = await budgets.budgets(tx, who.user_id)
    board = Board(asked=asked, overview=found, budgets=limits)
    return ui.page(request, "usage/pages/analytics.html", board=board)


routes: list[HTTPRouteHandler] = [analytics_page]

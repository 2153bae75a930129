"""The settings of data: what can be downloaded, everything at once, and bringing runs back."""

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from airuns.server import ui
from airuns.server.exports import store
from airuns.server.exports.pages.choice import LABELS
from airuns.server.given import Cursor, GivenDatabase, GivenSettings, GivenUser
from airuns.server.runs import lists

EXPORTS = 20


@get("/settings/data", include_in_schema=False)
async def data_page(
    request: Request[Any, Any, Any],
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    cursor: Cursor = None,
) -> Template:
    """Show exports, newest first, and what to export and import; to a script the exports alone."""
    async with db.transaction(who) as tx:
        shown = await store.listed(tx, who.user_id, cursor, EXPORTS)
        if ui.wants_part(request):
            return ui.page(
                request, "exports/pages/_exports.html", shown=shown, labels=LABELS, cursor=cursor
            )
        views = await lists.views(tx, who.user_id)
    return ui.page(
        request,
        "exports/pages/data.html",
        shown=shown,
        labels=LABELS,
        cursor=cursor,
        views=views,
        export_days=settings.export_days,
        most_bytes=settings.max_import,
    )


routes: list[HTTPRouteHandler] = [data_page]

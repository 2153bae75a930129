"""The settings of retention: rules for old runs, the trash, and the end of one's account."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from airuns.errors import Conflict
from airuns.server import ui
from airuns.server.accounts import store as accounts
from airuns.server.db.door import As, Database
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.retention import erase, store
from airuns.server.retention.rules import Rule
from airuns.server.runs import lists

AnyRequest = Request[Any, Any, Any]

ACTIONS = {"archive": "Archive", "delete": "Move to the trash", "purge": "Delete for good"}


@get("/settings/retention", include_in_schema=False)
async def retention_page(
    request: AnyRequest, me: accounts.Identity, who: GivenUser, db: GivenDatabase
) -> Template:
    """Show the rules, how they are going, the trash, and whether the account may be deleted."""
    user = await erase.find(db, me.user_id)
    try:
        await erase.check(db, user)
        may_leave = True
    except Conflict:
        may_leave = False
    return ui.page(
        request,
        "retention/pages/retention.html",
        actions=ACTIONS,
        new_rule=Rule(action="archive", days=90),
        may_leave=may_leave,
        **await _state(db, who),
    )


@get("/settings/retention/state", include_in_schema=False)
async def retention_state(request: AnyRequest, who: GivenUser, db: GivenDatabase) -> Template:
    """Show how the rules are going."""
    return ui.page(request, "retention/pages/_state.html", **await _state(db, who))


@get("/settings/retention/trash", include_in_schema=False)
async def trash(request: AnyRequest, who: GivenUser, db: GivenDatabase) -> Template:
    """Show what is in the trash, and how far its emptying is."""
    return ui.page(request, "retention/pages/_trash.html", **await _state(db, who))


@get("/settings/retention/account", include_in_schema=False)
async def account_form(request: AnyRequest, who: GivenUser, db: GivenDatabase) -> Template:
    """Answer with the dialog that deletes one's account."""
    user = await erase.find(db, who.user_id)
    return ui.page(
        request, "retention/pages/_account_form.html", user=user, **await _state(db, who)
    )


async def _state(db: Database, who: As) -> dict[str, Any]:
    async with db.transaction(who) as tx:
        kept = await store.read(tx, who.user_id)
        views = await lists.views(tx, who.user_id)
    is_due = kept.due_at is not None and kept.due_at <= datetime.now(UTC)
    return {"kept": kept, "views": views, "is_due": is_due}


routes: list[HTTPRouteHandler] = [retention_page, retention_state, trash, account_form]

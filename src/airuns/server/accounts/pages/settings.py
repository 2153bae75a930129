"""The settings of one's own account, of one's API keys, and of users for the owner."""

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.response import Template

from airuns.errors import Forbidden
from airuns.server import ui
from airuns.server.accounts import store
from airuns.server.accounts.records import Identity
from airuns.server.db.door import Database
from airuns.server.given import Cursor
from airuns.server.pages import Page, decode_cursor, page_of

AnyRequest = Request[Any, Any, Any]

ROWS = 50


@get("/settings", include_in_schema=False)
async def account_page(request: AnyRequest, me: Identity, db: Database) -> Template:
    """Show the name, the password, the theme and where one is signed in."""
    sessions = await store.list_sessions(db, me.who, None, ROWS)
    if ui.wants_part(request):
        return ui.page(request, "accounts/pages/_sessions.html", sessions=sessions)
    has_password = await store.own_password(db, me.who) is not None
    return ui.page(
        request, "accounts/pages/account.html", sessions=sessions, has_password=has_password
    )


@get("/settings/keys", include_in_schema=False)
async def keys_page(
    request: AnyRequest, me: Identity, db: Database, cursor: Cursor = None
) -> Template:
    """Show one's API keys, newest first."""
    rows = await store.list_keys(db, me.who, _after(cursor), ROWS + 1)
    keys = page_of(rows, ROWS, lambda key: (key.id,))
    return _list(request, "keys", keys)


@get("/settings/users", include_in_schema=False)
async def users_page(
    request: AnyRequest, me: Identity, db: Database, cursor: Cursor = None
) -> Template:
    """Show everybody who may sign in; for the owner."""
    if not me.is_owner:
        raise Forbidden("Only the owner of this server manages its users.")
    rows = await store.list_users(db, _after(cursor), ROWS + 1)
    users = page_of(rows, ROWS, lambda user: (user.id,))
    return _list(request, "users", users)


def _after(cursor: str | None) -> UUID | None:
    return decode_cursor(cursor, tuple[UUID])[0] if cursor else None


def _list(request: AnyRequest, name: str, shown: Page[Any]) -> Template:
    part = "_" if ui.wants_part(request) else ""
    return ui.page(request, f"accounts/pages/{part}{name}.html", shown=shown)


routes = [account_page, keys_page, users_page]

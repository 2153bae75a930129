"""The first page after a one-time link: a name and a password of one's own, or neither yet."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from airuns.errors import InvalidInput
from airuns.server import ui
from airuns.server.accounts import rules, store
from airuns.server.accounts.guard import Guard
from airuns.server.accounts.records import Identity
from airuns.server.db.door import Database

AnyRequest = Request[Any, Any, Any]


class Welcome(msgspec.Struct):
    """The form; a field that is left empty changes nothing."""

    display_name: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    password: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    username: str = ""
    csrf_token: str = ""


WelcomeForm = Annotated[Welcome, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/welcome", include_in_schema=False)
async def welcome_page(request: AnyRequest, me: Identity, db: Database) -> Template | Redirect:
    """Ask for a name and a password; whoever has a password is led on."""
    if me.session_id is None or await store.own_password(db, me.who) is not None:
        return Redirect("/ai/runs", status_code=303)
    return _page(request, me.display_name, {})


@post("/welcome", include_in_schema=False)
async def welcome(
    request: AnyRequest, data: WelcomeForm, me: Identity, db: Database, guard: Guard
) -> Template | Redirect:
    """Keep the name and the password, or show the form again and say why not."""
    if me.session_id is None or await store.own_password(db, me.who) is not None:
        return Redirect("/settings", status_code=303)
    errors: dict[str, str] = {}
    for field, check in (("display_name", rules.check_label), ("password", rules.check_password)):
        try:
            _ = getattr(data, field) and check(getattr(data, field), field)
        except InvalidInput as error:
            errors[field] = error.detail
    if errors:
        return _page(request, data.display_name, errors)
    if data.display_name:
        await store.set_display_name(db, me.who, data.display_name.strip())
    if data.password:
        hashed = await guard.passwords.hash(data.password)
        await store.set_password(db, me.who, hashed, me.session_id)
    guard.forget()
    return Redirect("/ai/runs", status_code=303)


def _page(request: AnyRequest, display_name: str, errors: dict[str, str]) -> Template:
    return ui.page(
        request,
        "accounts/pages/welcome.html",
        status_code=422 if errors else 200,
        display_name=display_name,
        errors={"display_name": "", "password": ""} | errors,
    )


routes = [welcome_page, welcome]

"""Pages to sign in and out. They work without JavaScript."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from airuns.errors import AirunsError, Forbidden, TooManyRequests, Unauthenticated
from airuns.server import ui
from airuns.server.accounts import rules, store
from airuns.server.accounts.guard import SESSION_COOKIE, Guard, check_form
from airuns.server.accounts.records import Identity
from airuns.server.db.door import Database
from airuns.server.settings import Settings

FORM_COOKIE = "airuns_form"
PUBLIC = {"public": True}

AnyRequest = Request[Any, Any, Any]


class Password(msgspec.Struct):
    """The sign-in form."""

    username: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=rules.LONGEST_PASSWORD)]
    next: Annotated[str, msgspec.Meta(max_length=4000)] = "/"
    csrf_token: str = ""


PasswordForm = Annotated[Password, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/sign-in", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def sign_in_page(request: AnyRequest, settings: Settings, next: str = "/") -> Template:  # noqa: A002
    """Show the password form."""
    context = {"next": rules.local_path(next), "username": "", "error": None}
    return _form_page(request, settings, "sign_in.html", context)


@post("/sign-in", opt=PUBLIC, include_in_schema=False)
async def sign_in(
    request: AnyRequest, data: PasswordForm, settings: Settings, db: Database, guard: Guard
) -> Template | Redirect:
    """Sign in by password, or show the form again and say why not."""
    try:
        await _check_public_form(request, settings)
        token = await _sign_in(request, data, settings, db, guard)
    except (Forbidden, TooManyRequests, Unauthenticated) as error:
        context = {"next": rules.local_path(data.next), "username": data.username}
        return _form_page(request, settings, "sign_in.html", context, error)
    return _signed_in(token, settings, rules.local_path(data.next))


async def _sign_in(
    request: AnyRequest, data: Password, settings: Settings, db: Database, guard: Guard
) -> str:
    username = data.username.strip().lower()
    address = request.client.host if request.client else "unknown"
    subjects = [f"user {username}", f"address {rules.network(address)}"]
    async with guard.counting:
        attempt = await store.note_attempt(db, subjects, settings.login_attempts)
    user_id, stored = await store.password_of(db, username)
    right = await guard.passwords.verify(data.password, stored)
    if user_id is None or not right:
        raise Unauthenticated("The user name or the password is not right.")
    await store.forget_attempt(db, attempt)
    return await store.add_session(db, user_id, _browser(request), settings.session_days)


@get("/sign-in/{token:str}", opt=PUBLIC, include_in_schema=False)
async def link_page(request: AnyRequest, token: str, settings: Settings, db: Database) -> Template:
    """Show one button. Looking uses nothing up, for programs that preview links look too."""
    gone = None if await store.link_is_good(db, token) else Unauthenticated("")
    return _form_page(request, settings, "link.html", {"token": token}, gone)


@post("/sign-in/{token:str}", opt=PUBLIC, include_in_schema=False)
async def use_link(
    request: AnyRequest, token: str, settings: Settings, db: Database
) -> Template | Redirect:
    """Sign in by a one-time link."""
    try:
        await _check_public_form(request, settings)
        session, has_password = await store.use_link(
            db, token, _browser(request), settings.session_days
        )
    except (Forbidden, Unauthenticated) as error:
        return _form_page(request, settings, "link.html", {"token": token}, error)
    return _signed_in(session, settings, "/" if has_password else "/welcome")


@post("/sign-out", include_in_schema=False)
async def sign_out(me: Identity, db: Database, guard: Guard) -> Redirect:
    """End the session."""
    if me.session_id:
        await store.end_session(db, me.who, me.session_id)
    guard.forget()
    response = Redirect("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@get("/", include_in_schema=False, sync_to_thread=False)
def home() -> Redirect:
    """Lead to the runs."""
    return Redirect("/ai/runs", status_code=303)


def _form_page(
    request: AnyRequest,
    settings: Settings,
    name: str,
    context: dict[str, Any],
    error: AirunsError | None = None,
) -> Template:
    """Return a page with a form for somebody who has no session: a cookie of its own guards it."""
    cookie = request.cookies.get(FORM_COOKIE) or rules.new_token()
    wait = {"Retry-After": f"{error.retry_after:.0f}"} if isinstance(error, TooManyRequests) else {}
    return ui.page(
        request,
        f"accounts/pages/{name}",
        status_code=error.status if error else 200,
        headers=wait,
        cookies=[_cookie(FORM_COOKIE, cookie, settings, None)],
        **{**context, "error": error, "form_token": rules.form_token(cookie)},
    )


async def _check_public_form(request: AnyRequest, settings: Settings) -> None:
    cookie = request.cookies.get(FORM_COOKIE)
    if not cookie:
        raise Forbidden("Your browser sent no cookie; allow cookies for this site and try again.")
    await check_form(request, cookie, settings)


def _signed_in(token: str, settings: Settings, path: str) -> Redirect:
    cookie = _cookie(SESSION_COOKIE, token, settings, 86400 * 400)
    return Redirect(path, status_code=303, cookies=[cookie])


def _cookie(name: str, value: str, settings: Settings, max_age: int | None) -> Cookie:
    secure = settings.url.startswith("https://")
    return Cookie(name, value=value, max_age=max_age, secure=secure, httponly=True, samesite="lax")


def _browser(request: AnyRequest) -> str:
    return request.headers.get("user-agent", "")


routes = [sign_in_page, sign_in, link_page, use_link, sign_out, home]

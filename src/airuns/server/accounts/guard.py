"""Finds out who sends a request, and turns away whoever is nobody.

A browser has a session cookie, a program an API key. Who they belong to is remembered for a few
seconds, so that most requests cost no query; what this process revokes, it forgets at once.
"""

import time
from asyncio import Lock
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, cast
from urllib.parse import quote

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from airuns.errors import Unauthenticated
from airuns.server.accounts import rules, store
from airuns.server.accounts.passwords import Passwords
from airuns.server.accounts.records import Identity
from airuns.server.db.door import As, Database
from airuns.server.settings import Settings

SESSION_COOKIE = "airuns_session"
FORM_HEADER = "X-CSRF-Token"
FORM_FIELD = "csrf_token"
REMEMBERED_SECONDS = 5.0
REMEMBERED_MOST = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FORMS = (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)

AnyRequest = Request[Any, Any, Any]
Find = Callable[[bytes], Awaitable[Identity | None]]


class Guard:
    """Authentication for one process."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.passwords = Passwords()
        self.counting = Lock()
        self._settings = settings
        self._db = db
        self._remembered: dict[bytes, tuple[Identity, float]] = {}
        self._forgotten = 0

    async def authenticate(self, authorization: str | None, session: str | None) -> Identity:
        """Return who sends an Authorization header or, without one, a session cookie.

        Raises Unauthenticated, naming the remedy, when that is nobody.
        """
        if authorization:
            scheme, _, key = authorization.partition(" ")
            return await self.holder(key.strip() if scheme.lower() == "bearer" else "")
        identity = await self._identity(session, self._by_session) if session else None
        if identity is None:
            raise Unauthenticated(
                f"Sign in at {self._settings.url}/sign-in, or send an API key in the header "
                "Authorization: Bearer air_…; make one with: airuns key create NAME"
            )
        return identity

    async def holder(self, key: str) -> Identity:
        """Return whose an API key is. Raises Unauthenticated when it is nobody's."""
        identity = await self._identity(key, self._by_key) if key else None
        if identity is None:
            raise Unauthenticated(
                "The API key in the Authorization header is not valid, or was revoked. Make one "
                "with: airuns key create NAME, and send it as Authorization: Bearer air_…"
            )
        return identity

    async def of_socket(self, environ: Mapping[str, Any], auth: Any) -> Identity:
        """Return who opens a Socket.IO connection: by auth={"key": …} (or "token"), or as above.

        Raises Unauthenticated when that is nobody, Forbidden when it is a page of another site.
        """
        given = cast("dict[str, Any]", auth) if isinstance(auth, dict) else {}
        if key := given.get("key") or given.get("token"):
            return await self.holder(str(key))
        if authorization := environ.get("HTTP_AUTHORIZATION"):
            return await self.authenticate(authorization, None)
        names = {"origin": "HTTP_ORIGIN", "host": "HTTP_HOST"}
        headers = {name: environ[key] for name, key in names.items() if key in environ}
        rules.check_same_site(headers, self._settings.url)
        return await self.authenticate(None, _session_in(environ.get("HTTP_COOKIE", "")))

    def forget(self) -> None:
        """Ask the database anew about everybody; for after a key or session has ended."""
        self._remembered.clear()
        self._forgotten += 1

    async def _identity(self, token: str, find: Find) -> Identity | None:
        digest = rules.digest(token)
        known = self._remembered.get(digest)
        if known and known[1] > time.monotonic():
            return known[0]
        forgotten = self._forgotten
        identity = await find(digest)
        if identity and forgotten == self._forgotten:
            if len(self._remembered) >= REMEMBERED_MOST:
                self._remembered.clear()
            self._remembered[digest] = (identity, time.monotonic() + REMEMBERED_SECONDS)
        return identity

    async def _by_key(self, digest: bytes) -> Identity | None:
        return await store.identity_of_key(self._db, digest)

    async def _by_session(self, digest: bytes) -> Identity | None:
        return await store.identity_of_session(self._db, digest, self._settings.session_days)


def _session_in(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(SESSION_COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


class AuthMiddleware:
    """Authenticates every HTTP request but those of routes that say `opt={"public": True}`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["route_handler"].opt.get("public"):
            request = Request[Any, Any, Any](scope, receive, send)
            state = request.app.state
            try:
                await _admit(request, state.guard, state.settings)
            except Unauthenticated:
                if not _is_page(request):
                    raise
                redirect = _to_sign_in(request).to_asgi_response(None, request)
                await redirect(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _admit(request: AnyRequest, guard: Guard, settings: Settings) -> None:
    session = request.cookies.get(SESSION_COOKIE)
    identity = await guard.authenticate(request.headers.get("authorization"), session)
    request.scope["user"] = identity
    if session and identity.session_id and request.method not in SAFE_METHODS:
        await check_form(request, session, settings)


async def check_form(request: AnyRequest, cookie: str, settings: Settings) -> None:
    """Raise Forbidden unless a page of ours sent the request that `cookie` came with.

    Its form token is in the header X-CSRF-Token or in the form's field csrf_token.
    """
    rules.check_same_site(request.headers, settings.url)
    given = request.headers.get(FORM_HEADER)
    if given is None and request.content_type[0] in FORMS:
        given = str((await request.form()).get(FORM_FIELD, ""))
    rules.check_form_token(given, cookie)


def _is_page(request: AnyRequest) -> bool:
    wants = "text/html" in request.headers.get("accept", "")
    return request.method == "GET" and wants and not request.url.path.startswith(("/api/", "/v1/"))


def _to_sign_in(request: AnyRequest) -> Redirect:
    query = request.url.query
    wanted = request.url.path + (f"?{query}" if query else "")
    return Redirect(f"/sign-in?next={quote(wanted, safe='')}", status_code=303)


def current_identity(request: AnyRequest) -> Identity:
    """Return who sends the request; the dependency `me`."""
    return request.user


def current_user(request: AnyRequest) -> As:
    """Return whose transactions the request opens; the dependency `who`."""
    return current_identity(request).who

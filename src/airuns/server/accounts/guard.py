"""Finds out who sends a request, and turns away whoever is nobody.

A browser has a session cookie, a program an API key. Who they belong to is remembered for a few
seconds, so that most requests cost no query; what this process revokes, it forgets at once.
"""

import time
from asyncio import Lock
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal, cast
from urllib.parse import quote

import msgspec
from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from airuns.errors import Unauthenticated
from airuns.server import ui
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


class Proof(msgspec.Struct, frozen=True):
    """What somebody has shown: a key or a session's token, of which only the digest is kept."""

    kind: Literal["key", "session"]
    digest: bytes | None

    @classmethod
    def of(cls, kind: Literal["key", "session"], token: str | None) -> "Proof":
        return cls(kind, rules.digest(token) if token else None)


class Guard:
    """Authentication for one process."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.passwords = Passwords()
        self.counting = Lock()
        self._settings = settings
        self._db = db
        self._remembered: dict[Proof, tuple[Identity, float]] = {}
        self._forgotten = 0

    async def authenticate(self, authorization: str | None, session: str | None) -> Identity:
        """Return who sends an Authorization header or, without one, a session cookie.

        Raises Unauthenticated, naming the remedy, when that is nobody.
        """
        return await self.check(_shown(authorization, session))

    async def check(self, proof: Proof) -> Identity:
        """Return whom a proof shows, as long as it does. Raises Unauthenticated as above."""
        identity = await self._identity(proof, proof.digest) if proof.digest else None
        if identity is not None:
            return identity
        if proof.kind == "key":
            raise Unauthenticated(
                "The API key in the Authorization header is not valid, or was revoked. Make one "
                "with: airuns key create NAME, and send it as Authorization: Bearer air_…"
            )
        raise Unauthenticated(
            f"Sign in at {self._settings.url}/sign-in, or send an API key in the header "
            "Authorization: Bearer air_…; make one with: airuns key create NAME"
        )

    async def of_socket(self, environ: Mapping[str, Any], auth: Any) -> Proof:
        """Return the good proof of who opens a Socket.IO connection, to be checked again later.

        It is auth={"key": …} (or "token"), or as above. Raises Unauthenticated when that is nobody,
        Forbidden when it is a page of another site.
        """
        given = cast("dict[str, Any]", auth) if isinstance(auth, dict) else {}
        if key := given.get("key") or given.get("token"):
            proof = Proof.of("key", str(key))
        else:
            authorization = environ.get("HTTP_AUTHORIZATION")
            if not authorization:
                names = {"origin": "HTTP_ORIGIN", "host": "HTTP_HOST"}
                headers = {name: environ[key] for name, key in names.items() if key in environ}
                rules.check_same_site(headers, self._settings.url)
            proof = _shown(authorization, _session_in(environ.get("HTTP_COOKIE", "")))
        await self.check(proof)
        return proof

    def forget(self) -> None:
        """Ask the database anew about everybody; for after a key or session has ended."""
        self._remembered.clear()
        self._forgotten += 1

    @property
    def forgotten(self) -> int:
        """How often it has forgotten; for those that remember more of somebody."""
        return self._forgotten

    async def _identity(self, proof: Proof, digest: bytes) -> Identity | None:
        known = self._remembered.get(proof)
        if known and known[1] > time.monotonic():
            return known[0]
        forgotten = self._forgotten
        if proof.kind == "key":
            identity = await store.identity_of_key(self._db, digest)
        else:
            days = self._settings.session_days
            identity = await store.identity_of_session(self._db, digest, days)
        if identity and forgotten == self._forgotten:
            if len(self._remembered) >= REMEMBERED_MOST:
                self._remembered.clear()
            self._remembered[proof] = (identity, time.monotonic() + REMEMBERED_SECONDS)
        return identity


def _shown(authorization: str | None, session: str | None) -> Proof:
    if not authorization:
        return Proof.of("session", session)
    scheme, _, key = authorization.partition(" ")
    return Proof.of("key", key.strip() if scheme.lower() == "bearer" else None)


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
                if not ui.wants_page(request):
                    raise
                redirect = _to_sign_in(request).to_asgi_response(None, request)
                await redirect(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _admit(request: AnyRequest, guard: Guard, settings: Settings) -> None:
    session = request.cookies.get(SESSION_COOKIE)
    identity = await guard.authenticate(request.headers.get("authorization"), session)
    request.scope["user"] = identity
    request.state.form_token = rules.form_token(session or "")
    request.state.news = request.app.state.news.mark(identity.user_id)
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

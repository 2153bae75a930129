"""The API of one's own account, and of all users for the owner."""

from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post, put

from airuns.errors import Conflict, Forbidden, InvalidInput
from airuns.server.accounts import rules, store
from airuns.server.accounts.guard import Guard
from airuns.server.accounts.records import Identity, Key, Session, User
from airuns.server.db.door import Database
from airuns.server.ids import parse_id
from airuns.server.pages import Page, decode_cursor, encode_cursor, page_size
from airuns.server.settings import Settings

T = TypeVar("T", Key, Session, User)


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """A new password; the current one is needed when there is one."""

    new_password: str
    current_password: str | None = None


class MeChange(msgspec.Struct, forbid_unknown_fields=True):
    """How others read one's name."""

    display_name: str


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """The name that a new key is known by."""

    name: str


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """How many calls a key may make in a minute; null, or left out: any number."""

    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody to let in; without a password they get a one-time link."""

    username: str
    display_name: str | None = None
    password: str | None = None


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a user may sign in."""

    is_active: bool


class Me(msgspec.Struct, kw_only=True):
    """Who sends the request."""

    id: UUID
    username: str
    display_name: str
    is_owner: bool
    session_id: UUID | None


class CreatedKey(msgspec.Struct, kw_only=True):
    """A new API key; `key` is shown this once."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    key: str


class CreatedUser(msgspec.Struct, kw_only=True):
    """A new user, and the link to hand over when no password was given."""

    user: User
    sign_in_link: str | None


@get("/api/me", sync_to_thread=False, tags=["account"])
def get_me(me: Identity) -> Me:
    """Say who sends the request."""
    return _me(me, me.display_name)


@patch("/api/me", tags=["account"])
async def change_me(data: MeChange, me: Identity, db: Database, guard: Guard) -> Me:
    """Change how others read one's name."""
    name = rules.check_label(data.display_name, "display_name")
    await store.set_display_name(db, me.who, name)
    guard.forget()
    return _me(me, name)


def _me(me: Identity, display_name: str) -> Me:
    return Me(
        id=me.user_id,
        username=me.username,
        display_name=display_name,
        is_owner=me.is_owner,
        session_id=me.session_id,
    )


@put("/api/me/password", status_code=204, tags=["account"])
async def change_password(
    data: PasswordChange, me: Identity, settings: Settings, db: Database, guard: Guard
) -> None:
    """Set or change one's password; every other session ends."""
    new = rules.check_password(data.new_password, "new_password")
    await _check_current(data.current_password, me, settings, db, guard)
    await store.set_password(db, me.who, await guard.passwords.hash(new), me.session_id)
    guard.forget()


async def _check_current(
    given: str | None, me: Identity, settings: Settings, db: Database, guard: Guard
) -> None:
    stored = await store.own_password(db, me.who)
    if stored is None:
        if me.session_id is None:
            raise Forbidden("An API key cannot set the first password; sign in to do so.")
        return
    async with guard.counting:
        attempt = await store.note_attempt(db, [f"user {me.username}"], settings.login_attempts)
    if not await guard.passwords.verify(given or "", stored):
        raise InvalidInput("current_password is not right.", field="current_password")
    await store.forget_attempt(db, attempt)


@get("/api/keys", tags=["account"])
async def list_keys(
    me: Identity,
    db: Database,
    settings: Settings,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[Key]:
    """List one's API keys, newest first."""
    after, size = _asked(cursor, limit, settings)
    return _page(await store.list_keys(db, me.who, after, size + 1), size)


@post("/api/keys", tags=["account"])
async def create_key(data: NewKey, me: Identity, db: Database) -> CreatedKey:
    """Make an API key."""
    key, text = await store.add_key(db, me.who, rules.check_label(data.name, "name"))
    return CreatedKey(
        id=key.id, name=key.name, prefix=key.prefix, created_at=key.created_at, key=text
    )


@patch("/api/keys/{key_id:str}", tags=["account"])
async def change_key(key_id: str, data: KeyChange, me: Identity, db: Database, guard: Guard) -> Key:
    """Say how many calls an API key may make through the gateway in a minute."""
    of_key = parse_id(key_id, "key_id")
    key = await store.limit_key(db, me.who, of_key, data.requests_per_minute)
    guard.forget()
    return key


@delete("/api/keys/{key_id:str}", tags=["account"])
async def revoke_key(key_id: str, me: Identity, db: Database, guard: Guard) -> None:
    """Revoke an API key for good."""
    await store.revoke_key(db, me.who, parse_id(key_id, "key_id"))
    guard.forget()


@get("/api/sessions", tags=["account"])
async def list_sessions(
    me: Identity,
    db: Database,
    settings: Settings,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[Session]:
    """List where one is signed in, newest first."""
    after, size = _asked(cursor, limit, settings)
    return _page(await store.list_sessions(db, me.who, after, size + 1), size)


@delete("/api/sessions", tags=["account"])
async def end_other_sessions(me: Identity, db: Database, guard: Guard) -> None:
    """Sign every browser out but the one that asks."""
    await store.end_other_sessions(db, me.who, me.session_id)
    guard.forget()


@delete("/api/sessions/{session_id:str}", tags=["account"])
async def end_session(session_id: str, me: Identity, db: Database, guard: Guard) -> None:
    """Sign a browser out."""
    await store.end_session(db, me.who, parse_id(session_id, "session_id"))
    guard.forget()


@get("/api/users", tags=["users"])
async def list_users(
    me: Identity,
    db: Database,
    settings: Settings,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[User]:
    """List all users, newest first; for the owner."""
    _check_owner(me)
    after, size = _asked(cursor, limit, settings)
    return _page(await store.list_users(db, after, size + 1), size)


@post("/api/users", tags=["users"])
async def create_user(
    data: NewUser, me: Identity, db: Database, settings: Settings, guard: Guard
) -> CreatedUser:
    """Let somebody in; for the owner."""
    _check_owner(me)
    username = rules.check_username(data.username)
    display_name = rules.check_label(data.display_name or username, "display_name")
    password_hash = None
    if data.password is not None:
        password_hash = await guard.passwords.hash(rules.check_password(data.password, "password"))
    user = await store.add_user(db, username, display_name, password_hash)
    link = None if password_hash else f"{settings.url}/sign-in/{await store.add_link(db, user.id)}"
    return CreatedUser(user=user, sign_in_link=link)


@patch("/api/users/{user_id:str}", tags=["users"])
async def change_user(
    user_id: str, data: UserChange, me: Identity, db: Database, guard: Guard
) -> User:
    """Let a user out, or in again; for the owner."""
    _check_owner(me)
    of_user = parse_id(user_id, "user_id")
    if of_user == me.user_id:
        raise Conflict("You cannot shut yourself out.", field="is_active")
    user = await store.set_active(db, of_user, data.is_active)
    guard.forget()
    return user


def _check_owner(me: Identity) -> None:
    if not me.is_owner:
        raise Forbidden("Only the owner of this server manages its users.")


def _asked(cursor: str | None, limit: int | None, settings: Settings) -> tuple[UUID | None, int]:
    size = page_size(limit, 50, settings.max_page)
    return (decode_cursor(cursor, tuple[UUID])[0] if cursor else None), size


def _page(found: list[T], size: int) -> Page[T]:
    more = len(found) > size
    return Page(found[:size], encode_cursor(str(found[size - 1].id)) if more else None)


routes = [
    get_me,
    change_me,
    change_password,
    list_keys,
    create_key,
    change_key,
    revoke_key,
    list_sessions,
    end_other_sessions,
    end_session,
    list_users,
    create_user,
    change_user,
]

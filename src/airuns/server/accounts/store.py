"""Accounts in the database. Only sign-in and the owner's care of users run as SERVICE."""

from uuid import UUID

import msgspec

from airuns.errors import Conflict, NotFound, TooManyRequests, Unauthenticated
from airuns.server.accounts import rules
from airuns.server.accounts.records import Identity, Key, Session, User
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, As, Database, Transaction
from airuns.server.ids import new_id

SQL = queries.load(__package__ or "")


class _Login(msgspec.Struct, frozen=True):
    id: UUID
    password_hash: str | None


class _LinkUser(msgspec.Struct, frozen=True):
    id: UUID
    has_password: bool


async def identity_of_key(db: Database, digest: bytes) -> Identity | None:
    """Return who holds a key that is not revoked."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["mark_key_used"], digest=digest)
        return await tx.one(Identity, SQL["identity_of_key"], digest=digest)


async def identity_of_session(db: Database, digest: bytes, days: int) -> Identity | None:
    """Return who is signed in by a session, and let it last `days` more."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["extend_session"], digest=digest, days=days)
        return await tx.one(Identity, SQL["identity_of_session"], digest=digest)


async def note_attempt(db: Database, subjects: list[str], allowed: int) -> list[UUID]:
    """Count a sign-in as failed until it succeeds; return the ids to forget it by.

    Raises TooManyRequests when a subject has `allowed` failures in the last 15 minutes.
    """
    ids = [new_id() for _ in subjects]
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["drop_old_failures"])
        for subject in subjects:
            wait = await tx.value(SQL["seconds_until_allowed"], subject=subject, allowed=allowed)
            if wait is not None:
                raise TooManyRequests(
                    f"Too many failed sign-ins. Try again in {wait / 60:.0f} minutes, or use a "
                    "one-time link: airuns user link NAME",
                    retry_after=max(1.0, wait),
                )
        for failure_id, subject in zip(ids, subjects, strict=True):
            await tx.execute(SQL["add_failure"], id=failure_id, subject=subject)
    return ids


async def forget_attempt(db: Database, ids: list[UUID]) -> None:
    """Take back what `note_attempt` counted."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["drop_failures"], ids=ids)


async def password_of(db: Database, username: str) -> tuple[UUID | None, str | None]:
    """Return the id and the password's hash of an active user; None for what there is not."""
    async with db.transaction(SERVICE) as tx:
        found = await tx.one(_Login, SQL["user_for_password"], username=username)
    return (found.id, found.password_hash) if found else (None, None)


async def add_session(db: Database, user_id: UUID, user_agent: str, days: int) -> str:
    """Sign a user in; return the session's token."""
    async with db.transaction(SERVICE) as tx:
        return await _add_session(tx, user_id, user_agent, days)


async def _add_session(tx: Transaction, user_id: UUID, user_agent: str, days: int) -> str:
    token = rules.new_token()
    await tx.execute(SQL["drop_expired_sessions"], user_id=user_id)
    await tx.execute(
        SQL["add_session"],
        user_id=user_id,
        id=new_id(),
        digest=rules.digest(token),
        user_agent=user_agent[:500],
        days=days,
    )
    return token


async def link_is_good(db: Database, token: str) -> bool:
    """Say whether a one-time link can still be used."""
    async with db.transaction(SERVICE) as tx:
        return await tx.value(SQL["link_is_good"], digest=rules.digest(token))


async def use_link(db: Database, token: str, user_agent: str, days: int) -> tuple[str, bool]:
    """Use a one-time link up and sign its user in.

    Return the session's token, and whether the user has a password.

    Raises Unauthenticated when the link is used, too old or was never made.
    """
    async with db.transaction(SERVICE) as tx:
        user = await tx.one(_LinkUser, SQL["use_link"], digest=rules.digest(token))
        if user is None:
            raise Unauthenticated("The link has been used or is too old.")
        return await _add_session(tx, user.id, user_agent, days), user.has_password


async def add_link(db: Database, user_id: UUID) -> str:
    """Make a one-time link of 24 hours; return its token."""
    token = rules.new_token()
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["add_link"], user_id=user_id, id=new_id(), digest=rules.digest(token))
    return token


async def find_owner(db: Database) -> User:
    """Return the owner, who is made when there is none."""
    async with db.transaction(SERVICE) as tx:
        found = await tx.one(User, SQL["owner"])
    return found or await add_user(db, "owner", "Owner", None)


async def anybody_signed_in(db: Database) -> bool:
    """Say whether the store was ever signed in to, or has a password that allows it."""
    async with db.transaction(SERVICE) as tx:
        return await tx.value(SQL["anybody_signed_in"])


async def add_user(
    db: Database, username: str, display_name: str, password_hash: str | None
) -> User:
    """Make a user; the first one is the owner. Raises Conflict when the name is taken."""
    async with db.transaction(SERVICE) as tx:
        added = await tx.one(
            User,
            SQL["add_user"],
            id=new_id(),
            username=username,
            display_name=display_name,
            password_hash=password_hash,
        )
    if added is None:
        raise Conflict(f"There is a user {username} already.", field="username")
    return added


async def user_named(db: Database, username: str) -> User:
    """Return a user. Raises NotFound when there is none of that name."""
    async with db.transaction(SERVICE) as tx:
        found = await tx.one(User, SQL["user_by_name"], username=username)
    if found is None:
        raise NotFound(f"There is no user {username}.", field="username")
    return found


async def list_users(db: Database, after: UUID | None, size: int) -> list[User]:
    """Return users, newest first."""
    async with db.transaction(SERVICE) as tx:
        return await tx.all(User, SQL["list_users"], after=after, size=size)


async def set_active(db: Database, user_id: UUID, is_active: bool) -> User:
    """Let a user in, or out: who is let out is signed out everywhere.

    Raises NotFound when there is no such user.
    """
    async with db.transaction(SERVICE) as tx:
        user = await tx.one(User, SQL["set_active"], id=user_id, is_active=is_active)
        if user is None:
            raise NotFound(f"There is no user {user_id}.")
        if not is_active:
            await tx.execute(SQL["end_sessions_of"], user_id=user_id)
    return user


async def add_key(db: Database, who: As, name: str) -> tuple[Key, str]:
    """Make an API key; return it and, this once, its text."""
    text = rules.new_key()
    async with db.transaction(who) as tx:
        key = await tx.one(
            Key,
            SQL["add_key"],
            user_id=who.user_id,
            id=new_id(),
            name=name,
            prefix=text[:12],
            digest=rules.digest(text),
        )
    assert key is not None
    return key, text


async def list_keys(db: Database, who: As, after: UUID | None, size: int) -> list[Key]:
    """Return a user's keys, newest first, revoked ones too."""
    async with db.transaction(who) as tx:
        return await tx.all(Key, SQL["list_keys"], user_id=who.user_id, after=after, size=size)


async def limit_key(db: Database, who: As, key_id: UUID, per_minute: int | None) -> Key:
    """Say how many calls a key may make in a minute. Raises NotFound when there is none."""
    values = {"user_id": who.user_id, "id": key_id, "requests_per_minute": per_minute}
    async with db.transaction(who) as tx:
        key = await tx.one(Key, SQL["limit_key"], **values)
    if key is None:
        raise NotFound(f"There is no API key {key_id}.")
    return key


async def revoke_key(db: Database, who: As, key_id: UUID) -> None:
    """Make a key useless for good. Raises NotFound when the user has no such key."""
    async with db.transaction(who) as tx:
        if not await tx.execute(SQL["revoke_key"], user_id=who.user_id, id=key_id):
            raise NotFound(f"There is no API key {key_id}.")


async def list_sessions(db: Database, who: As, after: UUID | None, size: int) -> list[Session]:
    """Return where a user is signed in, newest first."""
    query = SQL["list_sessions"]
    async with db.transaction(who) as tx:
        return await tx.all(Session, query, user_id=who.user_id, after=after, size=size)


async def end_session(db: Database, who: As, session_id: UUID) -> None:
    """Sign a browser out. Raises NotFound when the user has no such session."""
    async with db.transaction(who) as tx:
        if not await tx.execute(SQL["end_session"], user_id=who.user_id, id=session_id):
            raise NotFound(f"There is no session {session_id}.")


async def end_other_sessions(db: Database, who: As, keep: UUID | None) -> None:
    """Sign a user out everywhere but in the session `keep`."""
    async with db.transaction(who) as tx:
        await tx.execute(SQL["end_other_sessions"], user_id=who.user_id, keep=keep)


async def own_password(db: Database, who: As) -> str | None:
    """Return the hash of a user's own password."""
    async with db.transaction(who) as tx:
        return await tx.value(SQL["own_password"], user_id=who.user_id)


async def set_password(db: Database, who: As, password_hash: str, keep: UUID | None) -> None:
    """Change a user's password and end all sessions but `keep`."""
    async with db.transaction(who) as tx:
        await tx.execute(SQL["set_password"], user_id=who.user_id, password_hash=password_hash)
        await tx.execute(SQL["end_other_sessions"], user_id=who.user_id, keep=keep)


async def set_display_name(db: Database, who: As, display_name: str) -> None:
    """Change what others read as a user's name."""
    async with db.transaction(who) as tx:
        await tx.execute(SQL["set_display_name"], user_id=who.user_id, display_name=display_name)

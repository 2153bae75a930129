"""What the accounts' tables hold, as the rest of the server and the API see it."""

from datetime import datetime
from uuid import UUID

import msgspec

from airuns.server.accounts import rules
from airuns.server.db.door import As


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a request: a session or a key authenticated it, the other id is null."""

    user_id: UUID
    username: str
    display_name: str
    is_owner: bool
    session_id: UUID | None
    key_id: UUID | None

    @property
    def who(self) -> As:
        """Whose transactions the request opens."""
        return As(self.user_id, key_id=self.key_id)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in while `is_active`."""

    id: UUID
    username: str
    display_name: str
    is_owner: bool
    is_active: bool
    created_at: datetime


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, known by its first characters; the key itself is not stored.

    `requests_per_minute` is how many calls the gateway lets it make; None: any number.
    """

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    requests_per_minute: int | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    @property
    def browser(self) -> str:
        """What people call the browser and its system."""
        return rules.browser_name(self.user_agent)

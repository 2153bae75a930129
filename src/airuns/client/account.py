"""The user that one is, keys, sessions, and other users."""

from typing import Unpack

from airuns.client import bodies_store as bodies
from airuns.client import results_store as results
from airuns.client.endpoints import C, Call, Id, Page, Resource, call, endpoint, listing


class Myself(Resource[C]):
    """The user whose key this is."""

    @endpoint
    def get(self) -> Call[results.Me]:
        """Return who one is."""
        return call(results.Me, "GET", "/api/me")

    @endpoint
    def change(self, **change: Unpack[bodies.MeChange]) -> Call[results.Me]:
        """Change one's name."""
        return call(results.Me, "PATCH", "/api/me", body=change)

    @endpoint
    def change_password(self, **change: Unpack[bodies.PasswordChange]) -> Call[None]:
        """Change one's password."""
        return call(type(None), "PUT", "/api/me/password", body=change)


class Keys(Resource[C]):
    """API keys."""

    @listing
    def list(self, **query: Unpack[bodies.ListKeysQuery]) -> Call[Page[results.Key]]:
        """List one's keys."""
        return call(Page[results.Key], "GET", "/api/keys", params=query)

    @endpoint
    def create(self, **key: Unpack[bodies.NewKey]) -> Call[results.CreatedKey]:
        """Make a key; it is shown this once."""
        return call(results.CreatedKey, "POST", "/api/keys", body=key)

    @endpoint
    def change(self, key_id: Id, **change: Unpack[bodies.KeyChange]) -> Call[results.Key]:
        """Change a key."""
        return call(results.Key, "PATCH", "/api/keys/{}", key_id, body=change)

    @endpoint
    def revoke(self, key_id: Id) -> Call[None]:
        """Have a key count no more."""
        return call(type(None), "DELETE", "/api/keys/{}", key_id)


class Sessions(Resource[C]):
    """Browsers that one is signed in with."""

    @listing
    def list(self, **query: Unpack[bodies.ListSessionsQuery]) -> Call[Page[results.Session]]:
        """List one's sessions."""
        return call(Page[results.Session], "GET", "/api/sessions", params=query)

    @endpoint
    def end(self, session_id: Id) -> Call[None]:
        """Sign a browser out."""
        return call(type(None), "DELETE", "/api/sessions/{}", session_id)

    @endpoint
    def end_others(self) -> Call[None]:
        """Sign all browsers out."""
        return call(type(None), "DELETE", "/api/sessions")


class Users(Resource[C]):
    """Users, for the owner of the server."""

    @listing
    def list(self, **query: Unpack[bodies.ListUsersQuery]) -> Call[Page[results.User]]:
        """List the users."""
        return call(Page[results.User], "GET", "/api/users", params=query)

    @endpoint
    def create(self, **user: Unpack[bodies.NewUser]) -> Call[results.CreatedUser]:
        """Add a user."""
        return call(results.CreatedUser, "POST", "/api/users", body=user)

    @endpoint
    def change(self, user_id: Id, **change: Unpack[bodies.UserChange]) -> Call[results.User]:
        """Change a user."""
        return call(results.User, "PATCH", "/api/users/{}", user_id, body=change)

    @endpoint
    def erase(self, user_id: Id, **query: Unpack[bodies.EraseUserQuery]) -> Call[results.User]:
        """Erase a user with everything that is theirs; `confirm` is their name."""
        return call(results.User, "DELETE", "/api/users/{}", user_id, params=query)

"""/api/retention and /api/trash: rules for old runs, and the emptying of the trash."""

from typing import Annotated

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency

from airuns.errors import Forbidden, InvalidInput
from airuns.server.accounts import store as accounts
from airuns.server.db.door import As
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.ids import parse_id
from airuns.server.retention import erase, store
from airuns.server.retention.rules import MOST_RULES, Emptying, Match, Retention, Rule
from airuns.server.retention.upkeep import Upkeep
from airuns.server.runs.api.lists import RunQuery
from airuns.server.text import check_text

GivenIdentity = NamedDependency[accounts.Identity]
GivenUpkeep = NamedDependency[Upkeep]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for old runs, applied in this order; none: everything is kept for ever."""

    rules: Annotated[list[Rule], msgspec.Meta(max_length=MOST_RULES)]


class Preview(msgspec.Struct, frozen=True):
    """What each rule would change if it were applied now and alone."""

    items: list[Match]


class EmptyTrash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deleted runs go for good, by the fields of GET /api/runs; {}: all of them."""

    filter: RunQuery = msgspec.field(default_factory=RunQuery)


@get("/api/retention", tags=["retention"])
async def get_retention(who: GivenUser, db: GivenDatabase) -> Retention:
    """Return the rules, when they are applied next, and how the last time went."""
    async with db.transaction(who) as tx:
        return await store.read(tx, who.user_id)


@put("/api/retention", tags=["retention"])
async def put_retention(
    data: Rules, who: GivenUser, db: GivenDatabase, upkeep: GivenUpkeep
) -> Retention:
    """Replace the rules. They are applied at once, and then every six hours."""
    check_text(data)
    async with db.transaction(who) as tx:
        await store.put_rules(tx, who.user_id, data.rules)
        found = await store.read(tx, who.user_id)
    upkeep.wake()
    return found


@post("/api/retention/preview", status_code=200, tags=["retention"])
async def preview_retention(data: Rules, who: GivenUser, db: GivenDatabase) -> Preview:
    """Say what rules would change, without changing anything."""
    check_text(data)
    async with db.transaction(who) as tx:
        return Preview(await store.preview(tx, who.user_id, data.rules))


@post("/api/trash/empty", status_code=202, tags=["retention"])
async def empty_trash(
    data: EmptyTrash, who: GivenUser, db: GivenDatabase, upkeep: GivenUpkeep
) -> Emptying:
    """Remove deleted runs for good, in the background; GET /api/retention says how far it is.

    Runs that are deleted after this stay. Nothing brings back what has gone.
    """
    if data.filter.archived is False:
        which = msgspec.structs.replace(data.filter, archived=None)
    else:
        which = data.filter
    async with db.transaction(who) as tx:
        asked = await store.empty_trash(tx, who.user_id, which.filter())
    upkeep.wake()
    return asked


@delete("/api/users/{user_id:str}", status_code=202, tags=["users"])
async def erase_user(
    user_id: str, me: GivenIdentity, db: GivenDatabase, upkeep: GivenUpkeep, confirm: str
) -> accounts.User:
    """Erase a user with everything, in the background; `me` oneself, another only as the owner.

    `confirm` is the user's name. The user is signed out at once and is gone when GET /api/users
    does not list it any more. Nothing brings anything back.
    """
    chosen = me.user_id if user_id == "me" else parse_id(user_id, "user_id")
    if chosen != me.user_id and not me.is_owner:
        raise Forbidden("Only the owner of this server manages its users.")
    user = await erase.find(db, chosen)
    if confirm != user.username:
        raise InvalidInput(f"confirm must be {user.username}, the user's name.", field="confirm")
    await erase.check(db, user)
    user = await accounts.set_active(db, user.id, is_active=False)
    async with db.transaction(As(user.id)) as tx:
        await store.ask_erasure(tx, user.id)
    upkeep.wake()
    return user


routes = [get_retention, put_retention, preview_retention, empty_trash, erase_user]

"""/api/retention and /api/trash: rules for old runs, and the emptying of the trash."""

from typing import Annotated

import msgspec
from litestar import get, post, put
from litestar.di import NamedDependency

from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.retention import store
from airuns.server.retention.rules import Emptying, Match, Retention, Rule
from airuns.server.retention.upkeep import Upkeep
from airuns.server.runs.api.lists import RunQuery
from airuns.server.text import check_text

GivenUpkeep = NamedDependency[Upkeep]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for old runs, applied in this order; none: everything is kept for ever."""

    rules: Annotated[list[Rule], msgspec.Meta(max_length=20)]


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


routes = [get_retention, put_retention, preview_retention, empty_trash]

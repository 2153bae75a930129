"""/api/runs/changes: change many runs at once, and undo that."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import post

from airuns.errors import InvalidInput
from airuns.server.db.door import As, Database, retried
from airuns.server.given import GivenDatabase, GivenNews, GivenUser, PathId
from airuns.server.runs import changes
from airuns.server.runs.api.execute import GivenEngine
from airuns.server.runs.api.lists import RunQuery
from airuns.server.runs.changes import Action, Change
from airuns.server.runs.lists import RunFilter
from airuns.server.text import check_text
from airuns.wire import Tag

MOST_IDS = 8000  # as many as a search finds


class ChangeRuns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do, and to which runs: those of `ids`, or all that `filter` matches.

    `filter` has the fields of GET /api/runs. `tag` is what tag and untag put on or take off.
    """

    action: Action
    tag: Tag | None = None
    ids: Annotated[list[UUID], msgspec.Meta(max_length=MOST_IDS)] | None = None
    filter: RunQuery | None = None

    def which(self) -> RunFilter | list[UUID]:
        """Return which runs are meant. Raises InvalidInput."""
        check_text(self.tag, "tag")
        if (self.tag is not None) != (self.action in ("tag", "untag")):
            raise InvalidInput(
                "tag says what tag and untag put on or take off: give it to them and to no other "
                "action.",
                field="tag",
            )
        if self.ids is not None and self.filter is None:
            return self.ids
        if self.ids is None and self.filter is not None:
            return self.filter.filter()
        raise InvalidInput("Give either ids or a filter, which may be {}.", field="ids")


@post("/api/runs/changes", status_code=200, tags=["runs"])
async def change_runs(
    data: ChangeRuns, who: GivenUser, db: GivenDatabase, engine: GivenEngine, news: GivenNews
) -> Change:
    """Star, archive, delete, restore or tag many runs at once; or take that back from them.

    `count` runs were really changed. Answers that are being written in runs to delete are stopped
    first. Runs that went with their prompt are not restored without it.
    """
    which = data.which()
    if data.action == "delete":
        async with db.transaction(who) as tx:
            running = await changes.running(tx, who.user_id, which)
        await engine.cancel_all(who, running)
    made = await _change(db, who, data.action, data.tag, which)
    news.runs(who, made.action, made.id)
    return made


@retried
async def _change(
    db: Database, who: As, action: Action, tag: str | None, which: RunFilter | list[UUID]
) -> Change:
    async with db.transaction(who) as tx:
        return await changes.change(tx, who.user_id, action, tag, which)


@post("/api/runs/changes/{change_id:str}/undo", status_code=200, tags=["runs"])
async def undo_change(
    change_id: PathId, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> Change:
    """Put exactly those runs back that a change has changed, as they were; again does nothing."""
    made = await _undo(db, who, change_id)
    news.runs(who, "undo", change_id)
    return made


@retried
async def _undo(db: Database, who: As, change_id: UUID) -> Change:
    async with db.transaction(who) as tx:
        return await changes.undo(tx, who.user_id, change_id)


routes = [change_runs, undo_change]

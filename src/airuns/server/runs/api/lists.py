"""/api/runs: which runs there are, and what they come to."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from airuns.server.given import Cursor, GivenDatabase, GivenSettings, GivenUser, Limit
from airuns.server.pages import Page, page_size
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter, RunSort, Totals
from airuns.server.runs.records import RunRow
from airuns.server.text import check_text
from airuns.wire import SourceType

Status = Literal["active", "completed", "error"]
LastStatus = Literal["pending", "completed", "error", "timeout", "cancelled"]


class RunQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs; what is left out does not filter. Archived ones come when asked for.

    Each word of `q` is in the run's name or in one of its tags.
    """

    q: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    source_type: SourceType | None = None
    source_id: str | None = None
    prompt_id: UUID | None = None
    status: Status | None = None
    last_status: LastStatus | None = None
    starred: bool | None = None
    tag: str | None = None
    model: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    archived: bool | None = False
    deleted: bool = False

    def filter(self) -> RunFilter:
        """Return the filter that it asks for. Raises InvalidInput."""
        check_text(self)
        values = msgspec.structs.asdict(self)
        values["is_starred"] = values.pop("starred")
        prompt_id = values.pop("prompt_id")
        if prompt_id is not None:
            values.update(source_type="prompt", source_id=str(prompt_id))
        return RunFilter(**values)


class Used(msgspec.Struct, frozen=True):
    """Something that runs have, and how many have it."""

    name: str
    count: int


class InUse(msgspec.Struct, frozen=True):
    """What runs have, most used first, at most 100."""

    items: list[Used]


def which_runs(
    q: Annotated[
        str | None,
        QueryParameter(
            description="Words, each in the run's name or in one of its tags.", max_length=200
        ),
    ] = None,
    source_type: FromQuery[SourceType | None] = None,
    source_id: FromQuery[str | None] = None,
    prompt_id: FromQuery[UUID | None] = None,
    status: FromQuery[Status | None] = None,
    last_status: FromQuery[LastStatus | None] = None,
    starred: FromQuery[bool | None] = None,
    tag: FromQuery[str | None] = None,
    model: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    before: FromQuery[datetime | None] = None,
    archived: FromQuery[bool | None] = False,
    deleted: FromQuery[bool] = False,
) -> RunFilter:
    """Return the filter that a list's query parameters ask for."""
    return RunQuery(
        q=q,
        source_type=source_type,
        source_id=source_id,
        prompt_id=prompt_id,
        status=status,
        last_status=last_status,
        starred=starred,
        tag=tag,
        model=model,
        since=since,
        before=before,
        archived=archived,
        deleted=deleted,
    ).filter()


WHICH = {"which": Provide(which_runs, sync_to_thread=False)}
GivenFilter = NamedDependency[RunFilter]


@get("/api/runs", tags=["runs"], dependencies=WHICH)
async def list_runs(
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    which: GivenFilter,
    sort: FromQuery[RunSort] = "recent",
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[RunRow]:
    """List runs; `sort` is recent, oldest, name, messages or cost. Archived ones when asked for."""
    size = page_size(limit, 20, settings.max_page)
    async with db.transaction(who) as tx:
        return await lists.runs(tx, who.user_id, which, sort, cursor, size)


@get("/api/runs/totals", tags=["runs"], dependencies=WHICH)
async def total_runs(who: GivenUser, db: GivenDatabase, which: GivenFilter) -> Totals:
    """Sum up all runs that a list has, page by page."""
    async with db.transaction(who) as tx:
        return await lists.totals(tx, who.user_id, which)


@get("/api/runs/tags", tags=["runs"])
async def list_tags(who: GivenUser, db: GivenDatabase) -> InUse:
    """List the tags of runs."""
    async with db.transaction(who) as tx:
        return _in_use(await lists.tags(tx, who.user_id))


@get("/api/runs/models", tags=["runs"])
async def list_models(who: GivenUser, db: GivenDatabase) -> InUse:
    """List the models that runs use."""
    async with db.transaction(who) as tx:
        return _in_use(await lists.models(tx, who.user_id))


def _in_use(counted: list[tuple[str, int]]) -> InUse:
    return InUse([Used(name, count) for name, count in counted])


routes = [list_runs, total_runs, list_tags, list_models]

"""The tables of runs: all of them, and those of one prompt."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.db import queries
from airuns.server.db.door import As, Database, Transaction
from airuns.server.given import Cursor, GivenDatabase, GivenUser, PathId
from airuns.server.pages import Page
from airuns.server.prompts import store as prompts
from airuns.server.prompts.store import Prompt
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter, all_of, run_clauses
from airuns.server.runs.pages.asked import STATUSES, AnyRequest, Asked, asked_of
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import RunRow
from airuns.server.search import store as searching
from airuns.server.search.hits import Found, Hit, Matching
from airuns.server.search.meaning import GivenMeanings, Meanings

SQL = queries.load(__package__ or "")
PAGE = 50
LARGEST = 200
MOST_SUMMED = 1000  # runs that a search finds; a list's are counted on
MOST_COUNTED = 100_000
MOST_FOUND = 8000  # runs that a change or an export takes by their ids
LATE_SECONDS = 3.0

PageLimit = Annotated[int, QueryParameter(ge=1, le=LARGEST)]
Ids = Annotated[list[UUID], QueryParameter(max_items=LARGEST)]


class TableContext(msgspec.Struct, frozen=True, kw_only=True):
    """What `_runs.html` and its parts show."""

    asked: Asked
    page: Page[RunRow]
    prompt: Prompt | None = None
    statuses: tuple[str, ...] = STATUSES
    found: Found | None = None
    hits: dict[UUID, Hit] = {}

    @property
    def is_late(self) -> bool:
        """Say whether what was written a while ago is not searched yet."""
        found = self.found
        return found is not None and found.waiting > 0 and found.lag_seconds > LATE_SECONDS

    @property
    def more(self) -> str | None:
        """Return the address of the page that follows."""
        cursor = self.page.next_cursor
        return self.asked.path(cursor) if cursor else None

    @property
    def bulk_filter(self) -> str:
        """Return what the change of all that match is sent with."""
        return msgspec.json.encode(self.asked.api_filter).decode()

    def path_of(self, run: RunRow) -> str:
        """Return the page on which a run goes on."""
        return path_of(run.id, run.prompt_id)


@get("/ai/runs", include_in_schema=False)
async def runs_page(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    meanings: GivenMeanings,
    cursor: Cursor = None,
    limit: PageLimit = PAGE,
) -> Template:
    """Show the runs that match, 50 at a time; to a script the part that it puts in."""
    return await _answer(request, db, who, meanings, asked_of(request), cursor, limit)


@get("/ai/prompts/{prompt_id:uuid}/runs", include_in_schema=False)
async def prompt_runs_page(
    request: AnyRequest,
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    meanings: GivenMeanings,
    cursor: Cursor = None,
    limit: PageLimit = PAGE,
) -> Template:
    """Show the runs of a prompt in the same table."""
    return await _answer(request, db, who, meanings, asked_of(request, prompt_id), cursor, limit)


async def _answer(
    request: AnyRequest,
    db: Database,
    who: As,
    meanings: Meanings,
    asked: Asked,
    cursor: str | None,
    limit: int,
) -> Template:
    prompt = None
    meant = await meanings.of(asked.query, asked.order)
    async with db.transaction(who) as tx:
        if asked.prompt_id is not None:
            prompt = await prompts.get(tx, who.user_id, asked.prompt_id)
        table = await _read(tx, who, asked, meant, cursor, limit)
    part = "_run_rows.html" if cursor else "_runs.html"
    return ui.page(
        request,
        f"runs/pages/{part if ui.wants_part(request) else 'table.html'}",
        headers=None if cursor else {"HX-Push-Url": asked.path()},
        table=msgspec.structs.replace(table, prompt=prompt),
    )


async def _read(
    tx: Transaction,
    who: As,
    asked: Asked,
    meant: searching.Meant | None,
    cursor: str | None,
    limit: int,
) -> TableContext:
    """Return a page of runs, with what was found in them when something is searched for."""
    if not asked.is_search:
        sort = asked.list_sort
        page = await lists.runs(tx, who.user_id, asked.filter, sort, cursor, limit)
        return TableContext(asked=asked, page=page)
    zone = ZoneInfo(asked.zone)
    found = await searching.search(
        tx,
        who.user_id,
        asked.query,
        asked.order,
        cursor,
        limit,
        zone=zone,
        within=asked.within,
        meant=meant,
    )
    return _searched(asked, found)


def _searched(asked: Asked, found: Found) -> TableContext:
    page = Page([hit.run for hit in found.items], found.next_cursor)
    hits = {hit.run.id: hit for hit in found.items}
    return TableContext(asked=asked, page=page, found=found, hits=hits)


@get("/ai/runs/rows", include_in_schema=False)
async def run_rows(
    request: AnyRequest, db: GivenDatabase, who: GivenUser, meanings: GivenMeanings, ids: Ids
) -> Template:
    """Show those of some runs that a table has."""
    asked = asked_of(request)
    meant = await meanings.of(asked.query, asked.order)
    async with db.transaction(who) as tx:
        table = await _named(tx, who, asked, meant, ids)
    return ui.page(request, "runs/pages/_run_rows.html", table=table)


async def _named(
    tx: Transaction, who: As, asked: Asked, meant: searching.Meant | None, ids: list[UUID]
) -> TableContext:
    if not asked.is_search:
        clauses, params = run_clauses(asked.filter)
        query = SQL["runs_named"].format(filters=all_of(clauses))
        runs = await tx.all(RunRow, query, user_id=who.user_id, ids=ids, **params)
        return TableContext(asked=asked, page=Page(runs, None))
    zone = ZoneInfo(asked.zone)
    found = await searching.among(
        tx,
        who.user_id,
        asked.query,
        asked.order,
        ids,
        zone=zone,
        within=asked.within,
        meant=meant,
    )
    return _searched(asked, found)


@get("/ai/runs/totals", include_in_schema=False)
async def run_totals(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Template:
    """Show the sums over all runs that match; pages ask for them once they are painted."""
    asked = asked_of(request)
    which: RunFilter | list[UUID] = asked.filter
    is_capped = False
    async with db.transaction(who) as tx:
        if asked.is_search:
            matching = await _matching(tx, who, asked, MOST_SUMMED)
            which, is_capped = matching.run_ids, matching.is_capped
        totals = await lists.totals(tx, who.user_id, which, MOST_COUNTED + 1)
    if totals.runs > MOST_COUNTED:
        totals, is_capped = msgspec.structs.replace(totals, runs=MOST_COUNTED), True
    return ui.page(request, "runs/pages/_run_totals.html", totals=totals, is_capped=is_capped)


@get("/ai/runs/matching", include_in_schema=False)
async def matching_runs(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Matching:
    """Return which runs a search finds, so that a script changes or exports exactly those."""
    async with db.transaction(who) as tx:
        return await _matching(tx, who, asked_of(request), MOST_FOUND)


async def _matching(tx: Transaction, who: As, asked: Asked, most: int) -> Matching:
    return await searching.matching(
        tx,
        who.user_id,
        asked.query,
        most,
        zone=ZoneInfo(asked.zone),
        within=asked.within,
    )


@get("/ai/runs/views", include_in_schema=False)
async def run_views(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Template:
    """Show how many runs each view has, and which tags and models there are."""
    async with db.transaction(who) as tx:
        views = await lists.views(tx, who.user_id, MOST_COUNTED + 1)
        tags = await lists.tags(tx, who.user_id)
        models = await lists.models(tx, who.user_id)
    return ui.page(
        request,
        "runs/pages/_run_views.html",
        views=views,
        most=MOST_COUNTED,
        tags=tags,
        models=models,
    )


routes: list[HTTPRouteHandler] = [
    runs_page,
    prompt_runs_page,
    run_rows,
    run_totals,
    matching_runs,
    run_views,
]

"""The sidebar: the runs beside a conversation, by day, a page at a time."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.db import queries
from airuns.server.db.door import As, Transaction
from airuns.server.given import Cursor, GivenDatabase, GivenUser
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter, all_of, run_clauses
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import RunRow
from airuns.server.search import store as searching
from airuns.server.search.hits import Found, Hit
from airuns.server.search.match import Piece, nearer
from airuns.server.search.query import parse
from airuns.server.text import check_text
from airuns.server.ui import formats
from airuns.server.ui.asking import zone_of

AnyRequest = Request[Any, Any, Any]
Scope = Literal["here", "all"]
Sort = Literal["recent", "oldest", "name", "messages"]

GivenScope = Annotated[Scope, QueryParameter(name="scope")]  # Litestar calls something else so

SQL = queries.load(__package__ or "")
PAGE = 20
COUNTED = 1000
LARGEST = 100
YEAR_SECONDS = 31_536_000

HIDDEN_COOKIE = "airuns_sidebar"
SCOPE_COOKIE = "airuns_sidebar_scope"
SORT_COOKIE = "airuns_sidebar_sort"

SORT_NAMES: dict[Sort, str] = {
    "recent": "Most recent",
    "oldest": "Oldest",
    "name": "Name",
    "messages": "Most messages",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs a sidebar lists: those of a prompt, of all prompts, of the chat, or all."""

    prompt_id: UUID | None = None
    scope: Scope = "here"
    sort: Sort = "recent"
    q: str = ""
    starred: bool = False

    def filter(self) -> RunFilter:
        """Return the filter that it asks for. Raises InvalidInput."""
        check_text(self.q, "q")
        of_prompt = self.prompt_id is not None
        here = self.scope == "here"
        return RunFilter(
            source_type="prompt" if of_prompt else "chat" if here else None,
            source_id=str(self.prompt_id) if of_prompt and here else None,
            archived=False,
            is_starred=self.starred or None,
        )

    @property
    def scope_names(self) -> dict[Scope, str]:
        """Return what the choice of runs offers."""
        if self.prompt_id is None:
            return {"here": "Chats", "all": "All my runs"}
        return {"here": "Runs of this prompt", "all": "Runs of all prompts"}

    @property
    def is_narrowed(self) -> bool:
        """Say whether something is searched, filtered or sorted, so that its fields show."""
        return bool(self.q or self.starred or self.sort != "recent")

    def path(self, cursor: str) -> str:
        """Return the address of the page that follows."""
        values: dict[str, Any] = {"scope": self.scope, "sort": self.sort, "cursor": cursor}
        if self.prompt_id is not None:
            values["prompt_id"] = self.prompt_id
        if self.q:
            values["q"] = self.q
        if self.starred:
            values["starred"] = "true"
        return f"/ai/runs/sidebar?{urlencode(values)}"


class Group(msgspec.Struct, frozen=True):
    """Runs under one heading: a day, or none where they are not ordered by day."""

    day: str
    runs: list[RunRow]


Words = Annotated[str, QueryParameter(max_length=300)]


class SidebarContext(msgspec.Struct, frozen=True, kw_only=True):
    """What `_sidebar.html` shows.

    `count` is of all that a search is in; it stops at COUNTED, so that it costs little.
    """

    asked: Asked
    groups: list[Group]
    next_cursor: str | None
    count: int
    run_id: UUID | None = None
    is_hidden: bool = False
    hits: dict[UUID, Hit] = {}

    @property
    def sort_names(self) -> dict[Sort, str]:
        """Return what the choice of an order offers."""
        return SORT_NAMES

    @property
    def count_label(self) -> str:
        """Return the number of runs, as 412 or 999+."""
        return f"{self.count:,}" if self.count < COUNTED else f"{COUNTED - 1}+"

    @property
    def more_label(self) -> str:
        """Return what leads to the page that follows."""
        is_part = self.asked.q or self.asked.starred
        return f"Load {PAGE} more" if is_part else f"Load {PAGE} more of {self.count_label}"

    @property
    def new_path(self) -> str:
        """Return where a new run begins."""
        prompt_id = self.asked.prompt_id
        return f"/ai/prompts/run/{prompt_id}" if prompt_id else "/ai/chat"

    def path_of(self, run: RunRow) -> str:
        """Return the page on which a run goes on."""
        return path_of(run.id, run.prompt_id)

    def snippet_of(self, hit: Hit) -> list[Piece]:
        """Return what is shown of what was found: there is room for one short line."""
        return nearer(hit.snippet)

    def key_of(self, run: RunRow) -> str:
        """Return what scripts put runs in order by; larger keys come first."""
        return _key(self.asked.sort, run)


async def context(
    tx: Transaction,
    who: As,
    request: AnyRequest,
    *,
    prompt_id: UUID | None = None,
    run_id: UUID | None = None,
) -> SidebarContext:
    """Return the sidebar of a page: that of a prompt, or of the chat; `run_id` is its run."""
    return await _read(tx, who, request, _remembered(request, prompt_id), run_id=run_id)


def _remembered(request: AnyRequest, prompt_id: UUID | None) -> Asked:
    scope, sort = request.cookies.get(SCOPE_COOKIE), request.cookies.get(SORT_COOKIE)
    return Asked(
        prompt_id=prompt_id,
        scope=cast("Scope", scope) if scope in get_args(Scope) else "here",
        sort=cast("Sort", sort) if sort in get_args(Sort) else "recent",
    )


async def _read(
    tx: Transaction,
    who: As,
    request: AnyRequest,
    asked: Asked,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
    run_id: UUID | None = None,
) -> SidebarContext:
    zone = zone_of(request)
    hits: dict[UUID, Hit] = {}
    if asked.q.strip():
        found = await _search(tx, who, asked, zone, cursor, limit)
        hits = {hit.run.id: hit for hit in found.items}
        groups, next_cursor = _by_day(found.items, zone), found.next_cursor
    else:
        page = await lists.runs(tx, who.user_id, asked.filter(), asked.sort, cursor, limit)
        groups, next_cursor = _groups(page.items, asked.sort, zone), page.next_cursor
    return SidebarContext(
        asked=asked,
        groups=groups,
        next_cursor=next_cursor,
        hits=hits,
        count=await _count(tx, who, asked),
        run_id=run_id,
        is_hidden=request.cookies.get(HIDDEN_COOKIE) == "hidden",
    )


async def _search(
    tx: Transaction, who: As, asked: Asked, zone: ZoneInfo, cursor: str | None, limit: int
) -> Found:
    """Return the runs of the list in which somebody said what is typed, the newest match first."""
    within = msgspec.structs.replace(asked.filter(), archived=None)
    query = parse(asked.q, is_typing=True)
    return await searching.search(
        tx, who.user_id, query, "date", cursor, limit, zone=zone, within=within
    )


async def _count(tx: Transaction, who: As, asked: Asked) -> int:
    everything = msgspec.structs.replace(asked, starred=False)
    clauses, params = run_clauses(everything.filter())
    query = SQL["sidebar_count"].format(filters=all_of(clauses))
    return await tx.value(query, user_id=who.user_id, limit=COUNTED, **params)


def _groups(runs: list[RunRow], sort: Sort, zone: ZoneInfo) -> list[Group]:
    if sort != "recent":
        return [Group("", runs)] if runs else []
    now = datetime.now(UTC)
    days = groupby(runs, lambda run: formats.day_of(run.last_message_at, now, zone))
    return [Group(day, list(found)) for day, found in days]


def _by_day(found: list[Hit], zone: ZoneInfo) -> list[Group]:
    now = datetime.now(UTC)
    days = groupby(found, lambda hit: formats.day_of(hit.at, now, zone))
    return [Group(day, [hit.run for hit in hits]) for day, hits in days]


def _key(sort: Sort, run: RunRow) -> str:
    if sort == "messages":
        return f"{run.message_count:012}"
    moment = run.last_message_at if sort == "recent" else run.created_at
    return run.name.lower() if sort == "name" else moment.isoformat(timespec="microseconds")


@get("/ai/runs/sidebar", include_in_schema=False)
async def sidebar_list(
    request: AnyRequest,
    who: GivenUser,
    db: GivenDatabase,
    prompt_id: UUID | None = None,
    which: GivenScope = "here",
    sort: Sort = "recent",
    q: Words = "",
    starred: bool = False,
    cursor: Cursor = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST)] = PAGE,
) -> Template:
    """Show a page of the list, and remember how it is chosen and sorted."""
    asked = Asked(prompt_id=prompt_id, scope=which, sort=sort, q=q, starred=starred)
    async with db.transaction(who) as tx:
        found = await _read(tx, who, request, asked, cursor=cursor, limit=limit)
    return ui.page(
        request,
        "runs/pages/_sidebar_list.html",
        cookies=[_cookie(SCOPE_COOKIE, which), _cookie(SORT_COOKIE, sort)],
        sidebar=found,
    )


@get("/ai/runs/sidebar/items", include_in_schema=False)
async def sidebar_items(
    request: AnyRequest,
    who: GivenUser,
    db: GivenDatabase,
    ids: Annotated[list[UUID], QueryParameter(max_items=LARGEST)],
    prompt_id: UUID | None = None,
    which: GivenScope = "here",
    sort: Sort = "recent",
    starred: bool = False,
) -> Template:
    """Show those of some runs that the list has, each under its heading."""
    asked = Asked(prompt_id=prompt_id, scope=which, sort=sort, starred=starred)
    clauses, params = run_clauses(asked.filter())
    query = SQL["runs_named"].format(filters=all_of(clauses))
    async with db.transaction(who) as tx:
        runs = await tx.all(RunRow, query, user_id=who.user_id, ids=ids, **params)
        count = await _count(tx, who, asked)
    found = SidebarContext(
        asked=asked, groups=_groups(runs, sort, zone_of(request)), next_cursor=None, count=count
    )
    return ui.page(request, "runs/pages/_sidebar_groups.html", sidebar=found)


def _cookie(name: str, value: str) -> Cookie:
    return Cookie(name, value=value, max_age=YEAR_SECONDS, samesite="lax")


routes: list[HTTPRouteHandler] = [sidebar_list, sidebar_items]

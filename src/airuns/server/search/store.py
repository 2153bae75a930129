"""Search: the runs that a query finds, a page at a time, by relevance or by date."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from airuns.server.db.door import Transaction
from airuns.server.pages import decode_cursor, encode_cursor, page_of
from airuns.server.runs import lists
from airuns.server.runs.lists import RUN_KEYS, RUN_SORTS, RunFilter, RunSort, all_of
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import RunRow
from airuns.server.search import match, walk
from airuns.server.search.filters import Conditions, conditions
from airuns.server.search.hits import Found, Hit, Matching, hits, read_runs, row_of
from airuns.server.search.match import Piece, Templates
from airuns.server.search.meaning_near import Meant, Near, nearest
from airuns.server.search.query import Query, beginnings, parse
from airuns.server.search.ranking import fused, ranked
from airuns.server.search.walk import SQL, Key, Match, Shelf

Sort = Literal["relevance", "date"]

CANDIDATES = 400
LATELY = 100
ENOUGH = 0.7
FEW_RUNS = 500
FEW_NAMES = 6


class Lag(msgspec.Struct, frozen=True):
    """How many texts wait to be indexed, and for how long the oldest has, in seconds."""

    waiting: int
    lag_seconds: float


class _Page(msgspec.Struct, frozen=True):
    """The runs of a page in their order, and the cursor of the next."""

    run_ids: list[UUID]
    next_cursor: str | None
    is_capped: bool = False
    near: Mapping[UUID, Near] = {}


class _Search(msgspec.Struct, frozen=True):
    """What is asked, and where to look."""

    tx: Transaction
    user_id: UUID
    query: Query
    which: Conditions
    shelves: list[Shelf]
    now: datetime
    meant: Meant | None = None


RelevanceCursor = tuple[Literal["relevance"], datetime, float, UUID]
DateCursor = tuple[Literal["date"], datetime, UUID]


async def search(
    tx: Transaction,
    user_id: UUID,
    query: Query,
    sort: Sort | RunSort,
    cursor: str | None,
    limit: int,
    *,
    zone: ZoneInfo,
    now: datetime | None = None,
    within: RunFilter | None = None,
    meant: Meant | None = None,
) -> Found:
    """Return a page of the runs that a query finds; without words, those that its filters leave.

    What is near to what is `meant` is found too, by relevance.
    `within` is a list that is searched; of a run sort only what has no words is ordered so.
    Raises InvalidInput when the cursor is of another search's kind.
    """
    now = now or datetime.now(UTC)
    which = conditions(query.filters, zone, now, within)
    asked = match.templates(query)
    notices = [*query.notices, *_unused(query, asked), *(meant.notices if meant else ())]
    if asked is None:
        page = await _filtered(tx, user_id, which, sort, cursor, limit)
    else:
        shelves = await walk.shelves(tx, user_id, asked)
        as_of = max([now, *(shelf.last_at for shelf in shelves[:1])])  # clocks may differ
        this = _Search(tx, user_id, query, which, shelves, as_of, meant)
        by = _by_date if sort == "date" else _by_relevance
        page = await by(this, asked, cursor, limit)
    behind = await lag(tx, user_id)
    return Found(
        items=await hits(
            tx,
            user_id,
            match.needles(query),
            page.run_ids,
            asked,
            newest=sort == "date",
            near=page.near,
        ),
        next_cursor=page.next_cursor,
        query=str(query),
        notices=notices,
        is_capped=page.is_capped,
        waiting=behind.waiting,
        lag_seconds=round(behind.lag_seconds, 3),
    )


async def lag(tx: Transaction, user_id: UUID) -> Lag:
    """Return how far the index of a user's texts is behind."""
    [found] = await tx.all(Lag, SQL["lag"], user_id=user_id)
    return found


class Suggestion(msgspec.Struct, frozen=True):
    """A run whose own words match, with its name in pieces."""

    run: RunRow
    name: list[Piece]
    path: str


async def suggest(tx: Transaction, user_id: UUID, text: str, limit: int = 10) -> list[Suggestion]:
    """Return runs whose name, description or tags have the words that somebody is typing.

    Each word may be the beginning of one. The latest come first among equals. Filters work.
    """
    query = beginnings(parse(text))
    asked = match.templates(query)
    now = datetime.now(UTC)
    which = conditions(query.filters, ZoneInfo("UTC"), now)
    if asked is None:
        return []
    names = [shelf for shelf in await walk.shelves(tx, user_id, asked) if shelf.has_names]
    found = await _collect(_Search(tx, user_id, query, which, names, now), asked, names, 200)
    places = ranked(found[0], now)[:limit]
    runs = await read_runs(tx, user_id, [place.run_id for place in places])
    wanted = match.needles(query)
    return [
        Suggestion(row_of(run), match.pieces(run.name, wanted), path_of(run.id, run.prompt_id))
        for run in runs
    ]


async def said(
    tx: Transaction, user_id: UUID, text: str, limit: int, *, zone: ZoneInfo
) -> list[Hit]:
    """Return runs with the message in which somebody said what somebody is typing, the best first.

    Only the newest LATELY messages that match are compared, so that it keeps up with typing.
    """
    query = parse(text, is_typing=True)
    asked = match.templates(query)
    now = datetime.now(UTC)
    if asked is None:
        return []
    which = conditions(query.filters, zone, now)
    shelves = [shelf for shelf in await walk.shelves(tx, user_id, asked) if not shelf.has_names]
    this = _Search(tx, user_id, query, which, shelves, now)
    found, _ = await _collect(this, asked, shelves, LATELY)
    run_ids = [place.run_id for place in ranked(found, now)[:limit]]
    return await hits(tx, user_id, match.needles(query), run_ids, asked, newest=False, near={})


def _unused(query: Query, asked: Templates | None) -> list[str]:
    if asked is not None or not query.items:
        return []
    if query.terms:
        return ["There is no word to search for; words that are left out need one beside them."]
    if any(each.key == "role" for each in query.filters):
        return ["role: needs a word to search for."]
    return []


async def _filtered(
    tx: Transaction,
    user_id: UUID,
    which: Conditions,
    sort: Sort | RunSort,
    cursor: str | None,
    limit: int,
) -> _Page:
    """Return runs in the order of a list: by their last message unless another one is named."""
    if not which.is_asked:
        return _Page([], None)
    name = sort if sort in RUN_SORTS else "recent"
    order = RUN_SORTS[name]
    clauses, params = list(which.clauses), dict(which.params)
    if cursor is not None:
        _, key, run_id = decode_cursor(cursor, order.cursor)
        clauses.append(order.after)
        params |= {"key": key, "id": run_id}
    text = lists.SQL["run_list"].format(filters=all_of(clauses), order=order.order)
    rows = await tx.all(RunRow, text, user_id=user_id, limit=limit + 1, **params)
    page = page_of(rows, limit, lambda row: (name, getattr(row, RUN_KEYS[name]), row.id))
    return _Page([row.id for row in page.items], page.next_cursor)


async def matching(
    tx: Transaction,
    user_id: UUID,
    query: Query,
    most: int,
    *,
    zone: ZoneInfo,
    within: RunFilter | None = None,
) -> Matching:
    """Return all runs that a query finds, at most the `most` newest, for a change of them all."""
    now = datetime.now(UTC)
    which = conditions(query.filters, zone, now, within)
    this = _Search(tx, user_id, query, which, [], now)
    asked = match.templates(query)
    if asked is None:
        found = await _newest_runs(this, most + 1) if which.is_asked else []
        return Matching(found[:most], len(found) > most)
    few = await _few_runs(this) if which.is_asked else None
    if few is not None:
        matches = await walk.in_runs(tx, user_id, asked, few, most=1)
        return Matching([each.run_id for each in matches], False)
    newest: dict[UUID, Key] = {}
    horizon: Key | None = None
    shelves = await walk.shelves(tx, user_id, asked)
    async for looked in walk.walk(tx, user_id, asked, which, shelves):
        for each in looked.matches:
            newest[each.run_id] = max(newest.get(each.run_id, each.key), each.key)
        horizon = looked.horizon
        if len(newest) > most:
            break
    run_ids = sorted(newest, key=lambda run_id: newest[run_id], reverse=True)
    return Matching(run_ids[:most], horizon is not None or len(run_ids) > most)


async def messages(
    tx: Transaction, user_id: UUID, query: Query, within: RunFilter, *, zone: ZoneInfo
) -> list[UUID]:
    """Return the newest messages of some runs that have the words of a query.

    Those of the latest documents that a search examines (walk.EXAMINED).
    """
    now = datetime.now(UTC)
    asked = match.templates(query)
    if asked is None:
        return []
    which = conditions(query.filters, zone, now, within)
    shelves = [each for each in await walk.shelves(tx, user_id, asked) if not each.has_names]
    return [
        each.message_id
        async for looked in walk.walk(tx, user_id, asked, which, shelves)
        for each in looked.matches
    ]


async def among(
    tx: Transaction,
    user_id: UUID,
    query: Query,
    sort: Sort | RunSort,
    run_ids: list[UUID],
    *,
    zone: ZoneInfo,
    within: RunFilter | None = None,
    meant: Meant | None = None,
) -> Found:
    """Return those of some runs that a query finds, or the meaning of it does, in their order."""
    now = datetime.now(UTC)
    which = conditions(query.filters, zone, now, within)
    text = SQL["runs_left"].format(filters=all_of(which.clauses))
    rows = await tx.rows(text, user_id=user_id, run_ids=run_ids, **which.params)
    left = {row["id"] for row in rows}
    asked, wanted = match.templates(query), match.needles(query)
    ordered = [run_id for run_id in run_ids if run_id in left]
    near = await nearest(tx, user_id, meant, which, now)
    found = await hits(tx, user_id, wanted, ordered, asked, newest=sort == "date", near=near)
    behind = await lag(tx, user_id)
    return Found(
        items=[hit for hit in found if asked is None or hit.matches or hit.by == "meaning"],
        next_cursor=None,
        query=str(query),
        notices=[],
        is_capped=False,
        waiting=behind.waiting,
        lag_seconds=round(behind.lag_seconds, 3),
    )


async def _collect(
    this: _Search, asked: Templates, along: list[Shelf], most: int
) -> tuple[list[Match], bool]:
    """Return the newest matches along some buckets, about `most`, and whether there may be more.

    A step gives a few fewer than it looked at: archived runs, and the last one comes twice.
    """
    step = walk.STEP if this.which.is_asked else most
    found: dict[tuple[UUID, UUID], Match] = {}
    is_capped = False
    async for looked in walk.walk(
        this.tx, this.user_id, asked, this.which, along, until=(this.now, walk.ANY_RUN), most=step
    ):
        found.update({(each.run_id, each.message_id): each for each in looked.matches})
        is_capped = looked.horizon is not None
        if len(found) >= most * ENOUGH:
            break
    return list(found.values()), is_capped


async def _by_relevance(this: _Search, asked: Templates, cursor: str | None, limit: int) -> _Page:
    """Return the best of the newest candidates, which are the same for each page of a search."""
    after: tuple[Any, ...] | None = None
    if cursor is not None:
        _, now, score, run_id = decode_cursor(cursor, RelevanceCursor)
        this = msgspec.structs.replace(this, now=now)
        after = (score, run_id)
    names = [shelf for shelf in this.shelves if shelf.has_names]
    others = [shelf for shelf in this.shelves if not shelf.has_names]
    found, names_capped = await _collect(this, asked, names, CANDIDATES)
    more, is_capped = await _collect(this, asked, others, CANDIDATES)
    found += more
    is_capped = is_capped or names_capped
    too_few = is_capped and len({each.run_id for each in found}) <= limit
    if too_few and this.which.is_asked and len(names) <= FEW_NAMES:
        few = await _few_runs(this)
        if few is not None:
            found, is_capped = await walk.in_runs(this.tx, this.user_id, asked, few), False
    near = await nearest(this.tx, this.user_id, this.meant, this.which, this.now)
    best = ranked(found, this.now)
    if this.meant is not None:  # pages of one search are in one order, also when the model fails
        best = fused(best, near)
    places = [place for place in best if after is None or place.order > after]
    page = places[:limit]
    following = (
        encode_cursor("relevance", this.now, *page[-1].order) if len(places) > limit else None
    )
    return _Page([place.run_id for place in page], following, is_capped, near)


async def _few_runs(this: _Search) -> list[UUID] | None:
    """Return the runs that the filters leave; None when they are many."""
    newest = await _newest_runs(this, FEW_RUNS + 1)
    return newest if len(newest) <= FEW_RUNS else None


async def _newest_runs(this: _Search, most: int) -> list[UUID]:
    query = SQL["filtered_runs"].format(filters=all_of(this.which.clauses))
    rows = await this.tx.rows(query, user_id=this.user_id, limit=most, **this.which.params)
    return [row["id"] for row in rows]


async def _by_date(this: _Search, asked: Templates, cursor: str | None, limit: int) -> _Page:
    """Return runs by their newest match. A run comes once, on the page where that one is."""
    until = walk.END
    if cursor is not None:
        _, at, run_id = decode_cursor(cursor, DateCursor)
        until = (at, run_id)
    newest: dict[UUID, Key] = {}
    seen: set[UUID] = set()
    ready: list[UUID] = []
    horizon: Key | None = None
    async for looked in walk.walk(
        this.tx, this.user_id, asked, this.which, this.shelves, until=until
    ):
        for each in looked.matches:
            if each.key < until:
                newest[each.run_id] = max(newest.get(each.run_id, each.key), each.key)
        if cursor is not None:
            seen |= await _shown_before(this, asked, newest.keys() - seen, until)
        horizon = looked.horizon
        settled = (
            run_id
            for run_id, key in newest.items()
            if run_id not in seen and (horizon is None or key > horizon)
        )
        ready = sorted(settled, key=lambda run_id: newest[run_id], reverse=True)
        if len(ready) > limit:
            break
    page = ready[:limit]
    if len(ready) > limit:
        return _Page(page, encode_cursor("date", *newest[page[-1]]))
    following = encode_cursor("date", *horizon) if horizon and horizon < until else None
    return _Page(page, following)


async def _shown_before(
    this: _Search, asked: Templates, run_ids: set[UUID], until: Key
) -> set[UUID]:
    """Return those of some runs that have a match above a cursor: an earlier page has them."""
    if not run_ids:
        return set()
    found = await walk.in_runs(this.tx, this.user_id, asked, list(run_ids), most=1)
    return {each.run_id for each in found if each.key >= until}

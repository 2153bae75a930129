"""/api/search: runs by what was said in them."""

from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromQuery, QueryParameter

from airuns.errors import InvalidInput
from airuns.server.given import (
    Cursor,
    GivenDatabase,
    GivenSettings,
    GivenUser,
    Limit,
)
from airuns.server.pages import page_size
from airuns.server.search import store
from airuns.server.search.meaning import GivenMeanings
from airuns.server.search.query import LONGEST, parse
from airuns.server.search.store import Found, Sort
from airuns.server.text import check_text

Words = Annotated[
    str,
    QueryParameter(
        description='Words, "phrases", beginnings*, -not, and filters such as tag:work or cost:>1.',
        max_length=LONGEST,
    ),
]
Zone = Annotated[str, QueryParameter(description="The time zone of dates, as Europe/Berlin.")]


@get("/api/search", tags=["search"])
async def search_runs(
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    meanings: GivenMeanings,
    q: Words = "",
    sort: FromQuery[Sort] = "relevance",
    zone: Zone = "UTC",
    typing: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Found:
    """Find runs by the words of their messages, names, descriptions and tags.

    With `typing` the last word may be the beginning of one. docs/search.md has the syntax.
    """
    check_text(q, "q")
    size = page_size(limit, 20, settings.max_page)
    query = parse(q, is_typing=typing)
    in_zone = _zone(zone)
    meant = await meanings.of(query, sort)
    async with db.transaction(who) as tx:
        return await store.search(
            tx, who.user_id, query, sort, cursor, size, zone=in_zone, meant=meant
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, or no name of one at all
        raise InvalidInput("zone must be a time zone, as Europe/Berlin.", field="zone") from None


routes = [search_runs]

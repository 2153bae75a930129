"""/api/analytics: what was used, what it cost and how long it took."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Response

from airuns.errors import InvalidInput, NotFound
from airuns.server import money
from airuns.server.downloads import CSV_TYPE, disposition
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.text import check_text
from airuns.server.usage import store
from airuns.server.usage.filters import Dimension, Step, UsageFilter
from airuns.server.usage.records import Dashboard
from airuns.server.usage.tables import TABLES, as_csv
from airuns.wire import SourceType

DEFAULT_DAYS = 30
CUT = ("by_version", "latency", "errors")
"""Lists that are not cut where they are read: their order is another than that of cost."""

Ended = Literal["completed", "error", "timeout", "cancelled"]
Top = Annotated[
    int,
    QueryParameter(description="How many parts each breakdown tells apart.", ge=1, le=1000),
]


def which_usage(
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    source_type: FromQuery[SourceType | None] = None,
    prompt_id: FromQuery[UUID | None] = None,
    version: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
    provider: FromQuery[str | None] = None,
    model: FromQuery[str | None] = None,
    key_id: FromQuery[UUID | None] = None,
    status: FromQuery[Ended | None] = None,
    tag: FromQuery[str | None] = None,
    step: FromQuery[Step | None] = None,
    zone: FromQuery[str] = "UTC",
) -> UsageFilter:
    """Return the filter that a query asks for: by default the last 30 days. Raises InvalidInput."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput("zone is a time zone, such as Europe/Berlin.", field="zone") from None
    end = until or datetime.now(UTC)
    which = UsageFilter(
        since=since or end - timedelta(days=DEFAULT_DAYS),
        until=end,
        source_type=source_type,
        prompt_id=prompt_id,
        version=version,
        provider=provider,
        model=model,
        key_id=key_id,
        status=status,
        tag=tag,
        step=step,
        zone=zone,
    )
    check_text(which)
    return which


GivenUsage = NamedDependency[UsageFilter]
WHICH = {"which": Provide(which_usage, sync_to_thread=False)}


@get("/api/analytics", dependencies=WHICH, tags=["analytics"])
async def get_dashboard(
    which: GivenUsage,
    who: GivenUser,
    db: GivenDatabase,
    by: FromQuery[Dimension] = "model",
    top: Top = 20,
) -> Dashboard:
    """Return the whole dashboard of a time, by default of the last 30 days.

    `by` divides the chart over time; `top` cuts each breakdown, what costs most first, and adds up
    what else there is over time.
    """
    extent = store.Extent(top=top, lines=top)
    async with db.transaction(who) as tx:
        board = await store.dashboard(tx, who.user_id, which, datetime.now(UTC), by, extent)
    return msgspec.structs.replace(board, **{name: getattr(board, name)[:top] for name in CUT})


@get("/api/analytics/{name:str}", dependencies=WHICH, tags=["analytics"])
async def get_table(
    name: FromPath[str],
    which: GivenUsage,
    who: GivenUser,
    db: GivenDatabase,
    by: FromQuery[Dimension] = "model",
) -> Response[bytes]:
    """Return one table of the dashboard, whole, as NAME.csv or NAME.json.

    CSV is quoted against formulas: a text that begins as one has an apostrophe before it.
    """
    table, _, form = name.rpartition(".")
    if table not in TABLES or form not in ("csv", "json"):
        raise NotFound(
            f"There is no table {name[:60]}; there are {', '.join(TABLES)}, .csv or .json."
        )
    async with db.transaction(who) as tx:
        board = await store.dashboard(tx, who.user_id, which, datetime.now(UTC), by)
    return _download(TABLES[table](board), name, form)


def _download(rows: Sequence[Any], name: str, form: str) -> Response[bytes]:
    content = as_csv(rows) if form == "csv" else money.encode(rows)
    return Response(
        content,
        media_type=CSV_TYPE if form == "csv" else "application/json",
        headers={"Content-Disposition": disposition(name)},
    )


routes = [get_dashboard, get_table]

"""Lists of prompts and of their versions: a page each, by the last item's key."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from airuns.server.db.door import Transaction
from airuns.server.pages import Page, decode_cursor, page_of
from airuns.server.prompts.store import SQL, get
from airuns.server.text import check_text

T = TypeVar("T")

Sort = Literal["recent", "name"]


class Asked(msgspec.Struct, frozen=True):
    """A page of a list: `limit` items after the one that the cursor names; None: the first."""

    cursor: str | None
    limit: int


class PromptRow(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as lists show it: without its messages."""

    id: UUID
    name: str
    description: str
    tags: list[str]
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class PromptUse(msgspec.Struct, frozen=True, kw_only=True):
    """How a prompt is used. Cost in USD; null is unknown. `last_status` is of the latest run."""

    prompt_id: UUID
    runs: int
    tasks_30d: int
    succeeded_30d: int
    cost_30d: Decimal | None
    last_run_at: datetime | None
    last_status: str | None


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version as lists show it: without its messages."""

    id: UUID
    version: int
    model: str | None
    created_at: datetime


class _List(msgspec.Struct, Generic[T], frozen=True):
    """A list by key: query, rows, type of its cursors, and what its first page comes after."""

    query: str
    row: type[T]
    cursor: Any
    before_all: tuple[Any, UUID]
    key: Callable[[T], tuple[str, Any, UUID]]


_LATEST = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
_RECENT = _List(
    "prompts_recent",
    PromptRow,
    tuple[Literal["recent"], datetime, UUID],
    _LATEST,
    lambda row: ("recent", row.updated_at, row.id),
)
_BY_NAME = _List(
    "prompts_by_name",
    PromptRow,
    tuple[Literal["name"], str, UUID],
    ("", UUID(int=0)),
    lambda row: ("name", row.name, row.id),
)
_DELETED = _List(
    "prompts_deleted",
    PromptRow,
    tuple[Literal["deleted"], datetime, UUID],
    _LATEST,
    lambda row: ("deleted", row.deleted_at, row.id),
)
_VERSIONS = _List(
    "versions",
    VersionRow,
    tuple[Literal["version"], int, UUID],
    (2**31 - 1, UUID(int=2**128 - 1)),
    lambda row: ("version", row.version, row.id),
)


async def prompts(
    tx: Transaction,
    user_id: UUID,
    asked: Asked,
    *,
    q: str = "",
    sort: Sort = "recent",
    deleted: bool = False,
) -> Page[PromptRow]:
    """Return a page of the prompts whose names contain `q`, lately changed first or by name.

    Deleted ones come lately deleted first.
    """
    check_text(q, "q")
    by = _DELETED if deleted else _BY_NAME if sort == "name" else _RECENT
    return await _page(tx, by, asked, user_id=user_id, q=q)


async def use_of(tx: Transaction, user_id: UUID, prompt_ids: list[UUID]) -> dict[UUID, PromptUse]:
    """Return how each prompt of a page is used, in all and in the last 30 days."""
    rows = await tx.all(PromptUse, SQL["use_of"], user_id=user_id, prompt_ids=prompt_ids)
    return {row.prompt_id: row for row in rows}


async def versions(
    tx: Transaction, user_id: UUID, prompt_id: UUID, asked: Asked
) -> Page[VersionRow]:
    """Return a page of a prompt's versions, newest first. Raises NotFound."""
    await get(tx, user_id, prompt_id)
    return await _page(tx, _VERSIONS, asked, user_id=user_id, prompt_id=prompt_id)


async def _page(tx: Transaction, of: _List[T], asked: Asked, **params: Any) -> Page[T]:
    after, after_id = of.before_all
    if asked.cursor is not None:
        _, after, after_id = decode_cursor(asked.cursor, of.cursor)
        check_text(after, "cursor")
    rows = await tx.all(
        of.row, SQL[of.query], after=after, after_id=after_id, limit=asked.limit + 1, **params
    )
    return page_of(rows, asked.limit, of.key)

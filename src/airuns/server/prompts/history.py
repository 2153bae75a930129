"""The executions of a prompt: filters, and key-set pages of them, newest first."""

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import As, Database, Transaction
from airuns.server.downloads import BOM, line
from airuns.server.pages import Page, decode_cursor, page_of
from airuns.server.prompts import store
from airuns.server.runs.lists import RunFilter
from airuns.server.search import store as search
from airuns.server.search.query import parse
from airuns.server.text import check_text

SQL = queries.load(__package__ or "", "history.sql")
LONGEST = 500
PAGE = 200

Status = Literal["success", "error", "timeout", "pending", "cancelled"]
Cursor = tuple[Literal["history"], datetime, UUID]

# What tasks call what a history calls so.
STATUSES: dict[Status, list[str]] = {
    "success": ["completed"],
    "error": ["error"],
    "timeout": ["timeout"],
    "pending": ["pending", "streaming"],
    "cancelled": ["cancelled"],
}

FILTERS = {
    "statuses": "t.status = any(%(statuses)s)",
    "model": "t.model = %(model)s",
    "version": "r.prompt_version = %(version)s",
    "tag": "%(tag)s = any(r.tags)",
    "since": "t.created_at >= %(since)s",
    "before": "t.created_at < %(before)s",
    "found": "(t.request_message_id = any(%(found)s) or t.task_id in (select m.task_id"
    " from airuns.ai_messages as m where m.user_id = %(user_id)s and m.id = any(%(found)s)))",
}
AFTER = "(t.created_at, t.task_id) < (%(after)s::timestamptz, %(after_id)s::uuid)"


class HistoryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which executions a history has; None does not filter. `tag` is one of the run.

    `q` is searched in what was asked and what came, in the syntax of a search.
    """

    status: Status | None = None
    model: str | None = None
    version: int | None = None
    tag: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    q: str | None = None


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a prompt; `id` is its task's. Cost in USD; null is unknown."""

    id: UUID
    run_id: UUID
    prompt_id: UUID
    prompt_version: int | None
    prompt_text: str | None
    response: str
    model: str | None
    tokens_used: int | None
    cost: Decimal | None
    execution_time_ms: int | None
    status: Status
    error_message: str | None
    created_at: datetime


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """An execution as a line of a list: without the answer, and how what was asked begins."""

    id: UUID
    run_id: UUID
    prompt_version: int | None
    status: Status
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost: Decimal | None
    execution_time_ms: int | None
    asked: str | None
    error_message: str | None
    created_at: datetime


async def history(
    tx: Transaction,
    user_id: UUID,
    prompt_id: UUID,
    which: HistoryFilter,
    cursor: str | None,
    limit: int,
) -> Page[HistoryItem]:
    """Return a page of a prompt's executions in full. Raises NotFound."""
    await store.get(tx, user_id, prompt_id)
    found = await _found(tx, user_id, prompt_id, which)
    query, params = history_query("history", which, cursor, found)
    rows = await tx.all(
        HistoryItem, query, user_id=user_id, prompt_id=prompt_id, limit=limit + 1, **params
    )
    return page_of(rows, limit, lambda row: ("history", row.created_at, row.id))


async def as_csv(
    db: Database, who: As, prompt_id: UUID, which: HistoryFilter
) -> AsyncGenerator[bytes]:
    """Yield all executions that a history has, newest first, as CSV, a page at a time.

    No transaction is open while a reader takes its time. Raises NotFound before the first piece.
    """
    yield BOM + line(HistoryItem.__struct_fields__)
    cursor: str | None = None
    while True:
        async with db.transaction(who) as tx:
            page = await history(tx, who.user_id, prompt_id, which, cursor, PAGE)
        yield b"".join(line(msgspec.structs.astuple(item)) for item in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


async def executions(
    tx: Transaction,
    user_id: UUID,
    prompt_id: UUID,
    which: HistoryFilter,
    cursor: str | None,
    limit: int,
) -> Page[Execution]:
    """Return a page of a prompt's executions as lines."""
    found = await _found(tx, user_id, prompt_id, which)
    query, params = history_query("executions", which, cursor, found)
    rows = await tx.all(
        Execution, query, user_id=user_id, prompt_id=prompt_id, limit=limit + 1, **params
    )
    return page_of(rows, limit, lambda row: ("history", row.created_at, row.id))


async def _found(
    tx: Transaction, user_id: UUID, prompt_id: UUID, which: HistoryFilter
) -> list[UUID] | None:
    """Return the messages of a prompt's runs that have what is searched; None without that."""
    if which.q is None:
        return None
    check_text(which.q, "q")
    within = RunFilter(source_type="prompt", source_id=str(prompt_id))
    return await search.messages(tx, user_id, parse(which.q), within, zone=ZoneInfo("UTC"))


def history_query(
    name: str, which: HistoryFilter, cursor: str | None, found: list[UUID] | None = None
) -> tuple[str, dict[str, Any]]:
    """Return a query of history.sql and its parameters but user_id, prompt_id and limit.

    `found` are the messages that a search has left, if there is one.
    """
    values = msgspec.structs.asdict(which) | {"found": found}
    values["statuses"] = STATUSES[which.status] if which.status else None
    params = {field: values[field] for field in FILTERS if values[field] is not None}
    check_text({field: value for field, value in params.items() if isinstance(value, str)})
    clauses = [FILTERS[field] for field in params]
    if cursor is not None:
        _, params["after"], params["after_id"] = decode_cursor(cursor, Cursor)
        clauses.append(AFTER)
    filters = "".join(f"\n    and {clause}" for clause in clauses)
    return SQL[name].format(filters=filters), params

"""Lists of runs and tasks: filters, sorts and key-set pages, put together from fixed fragments."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.pages import Page, decode_cursor, page_of
from airuns.server.runs.records import RunRow, TaskRow

SQL = queries.load(__package__ or "", "lists.sql")
K = TypeVar("K")

NEWEST = 20_000
"""Runs whose tags and models are offered: reading those of all would take longer and longer."""


class Sort(msgspec.Struct, Generic[K], frozen=True):
    """An order that an index serves: its SQL, what follows a cursor's key, and the cursor's type.

    A cursor begins with the name of its sort, so that it fits no other list.
    """

    order: str
    after: str
    cursor: type[K]


RunSort = Literal["recent", "oldest", "name", "messages", "cost"]

RUN_SORTS: dict[str, Sort[Any]] = {
    "recent": Sort(
        "last_message_at desc, id desc",
        "(last_message_at, id) < (%(key)s::timestamptz, %(id)s::uuid)",
        tuple[Literal["recent"], datetime, UUID],
    ),
    "oldest": Sort(
        "created_at, id",
        "(created_at, id) > (%(key)s::timestamptz, %(id)s::uuid)",
        tuple[Literal["oldest"], datetime, UUID],
    ),
    "name": Sort(
        "name_key, id",
        "(name_key, id) > (lower(%(key)s), %(id)s::uuid)",
        tuple[Literal["name"], str, UUID],
    ),
    "messages": Sort(
        "message_count desc, id desc",
        "(message_count, id) < (%(key)s::integer, %(id)s::uuid)",
        tuple[Literal["messages"], int, UUID],
    ),
    "cost": Sort(
        "cost_key desc, id desc",
        "(cost_key, id) < (coalesce(%(key)s::numeric, -1)::double precision, %(id)s::uuid)",
        tuple[Literal["cost"], Decimal | None, UUID],
    ),
}

RUN_KEYS = {
    "recent": "last_message_at",
    "oldest": "created_at",
    "name": "name",
    "messages": "message_count",
    "cost": "total_cost",
}

RUN_FILTERS = {
    "source_type": "source_type = %(source_type)s",
    "source_id": "source_id = %(source_id)s",
    "status": "status = %(status)s",
    "last_status": "last_task_status = %(last_status)s",
    "is_starred": "is_starred = %(is_starred)s",
    "tag": "%(tag)s = any(tags)",
    "model": "settings ->> 'model' = %(model)s",
    "since": "last_message_at >= %(since)s",
    "before": "last_message_at < %(before)s",
}

# Said without a parameter, so that the partial index is found for it.
PARTIAL: dict[tuple[str, Any], str] = {
    ("is_starred", True): "is_starred",
    ("last_status", "pending"): "last_task_status = 'pending'",
}

CONTAINING = (
    "(strpos(name_key, lower(%({word})s)) > 0"
    " or strpos(lower(array_to_string(tags, ' ')), lower(%({word})s)) > 0)"
)

DELETED_SORT: Sort[Any] = Sort(
    "deleted_at desc, id desc",
    "(deleted_at, id) < (%(key)s::timestamptz, %(id)s::uuid)",
    tuple[Literal["deleted"], datetime, UUID],
)

TASK_FILTERS = {
    "run_id": "run_id = %(run_id)s",
    "prompt_id": "prompt_id = %(prompt_id)s",
    "status": "status = %(status)s",
    "model": "model = %(model)s",
}

TASK_SORT: Sort[Any] = Sort(
    "created_at desc, task_id desc",
    "(created_at, task_id) < (%(key)s::timestamptz, %(id)s::uuid)",
    tuple[Literal["tasks"], datetime, UUID],
)


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs a list has; None does not filter. `archived` None lists both kinds.

    Each word of `q` is in the run's name or in one of its tags.
    """

    source_type: str | None = None
    source_id: str | None = None
    status: str | None = None
    is_starred: bool | None = None
    tag: str | None = None
    model: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    archived: bool | None = None
    deleted: bool = False
    q: str | None = None
    last_status: str | None = None


class Totals(msgspec.Struct, frozen=True):
    """Sums over runs. Cost in USD; null is unknown, and `unpriced` runs are missing from it."""

    runs: int
    messages: int
    tokens: int | None
    cost: Decimal | None
    unpriced: int


class Views(msgspec.Struct, frozen=True):
    """How many runs each view has: archived ones are in no other view, nor are deleted ones."""

    all: int
    starred: int
    archived: int
    deleted: int


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks a list has; None does not filter."""

    run_id: UUID | None = None
    prompt_id: UUID | None = None
    status: str | None = None
    model: str | None = None


class RunningTask(msgspec.Struct, frozen=True):
    """A task that has not ended, and the text that is saved of it."""

    task_id: UUID
    status: str
    response_text: str


async def runs(
    tx: Transaction, user_id: UUID, which: RunFilter, sort: RunSort, cursor: str | None, limit: int
) -> Page[RunRow]:
    """Return a page of runs; the deleted ones by when they were deleted."""
    order = DELETED_SORT if which.deleted else RUN_SORTS[sort]
    query, params = run_query(which, order, cursor)
    rows = await tx.all(RunRow, query, user_id=user_id, limit=limit + 1, **params)
    name, key = ("deleted", "deleted_at") if which.deleted else (sort, RUN_KEYS[sort])
    return page_of(rows, limit, lambda row: (name, getattr(row, key), row.id))


async def totals(
    tx: Transaction, user_id: UUID, which: RunFilter | list[UUID], most: int | None = None
) -> Totals:
    """Return the sums over all runs that a list has, or that are named; over `most` of them."""
    clauses, params = clauses_of(which)
    query = SQL["run_totals"].format(filters=all_of(clauses))
    [found] = await tx.all(Totals, query, user_id=user_id, most=most, **params)
    return found


async def tags(tx: Transaction, user_id: UUID) -> list[tuple[str, int]]:
    """Return the tags of the NEWEST runs and how many have each, most used first, at most 100."""
    return await _counted(tx, "run_tags", user_id)


async def models(tx: Transaction, user_id: UUID) -> list[tuple[str, int]]:
    """Return the models of the NEWEST runs and how many use each, most used first, at most 100."""
    return await _counted(tx, "run_models", user_id)


async def _counted(tx: Transaction, query: str, user_id: UUID) -> list[tuple[str, int]]:
    rows = await tx.rows(SQL[query], user_id=user_id, newest=NEWEST)
    return [(row["name"], row["count"]) for row in rows]


async def views(tx: Transaction, user_id: UUID, most: int | None = None) -> Views:
    """Return how many runs each view of the runs has; of each at most `most` are counted."""
    [found] = await tx.all(Views, SQL["run_views"], user_id=user_id, most=most)
    return found


def run_query(which: RunFilter, sort: Sort[Any], cursor: str | None) -> tuple[str, dict[str, Any]]:
    """Return the query of a page of runs and its parameters but user_id and limit."""
    clauses, params = run_clauses(which)
    return _query(SQL["run_list"], clauses, params, sort, cursor)


def run_clauses(which: RunFilter) -> tuple[list[str], dict[str, Any]]:
    """Return what the rows of runs that a list has fulfil, and the parameters of that."""
    params = _given(which, RUN_FILTERS)
    clauses = [RUN_FILTERS[name] for name in params]
    clauses.append("deleted_at is not null" if which.deleted else "deleted_at is null")
    if which.archived is not None:
        clauses.append("archived_at is not null" if which.archived else "archived_at is null")
    for (name, value), clause in PARTIAL.items():
        if params.get(name) == value:
            clauses[clauses.index(RUN_FILTERS[name])] = clause
            del params[name]
    words, found = _containing(which.q or "")
    return [*clauses, *words], {**params, **found}


def clauses_of(which: RunFilter | list[UUID]) -> tuple[list[str], dict[str, Any]]:
    """Return what the rows of a list's runs fulfil, or those of runs that are named."""
    if isinstance(which, RunFilter):
        return run_clauses(which)
    return ["id = any(%(ids)s)"], {"ids": which}


def _containing(q: str) -> tuple[list[str], dict[str, Any]]:
    """Return a clause for each word of a search, and its parameter."""
    params = {f"word_{number}": word for number, word in enumerate(q.split())}
    return [CONTAINING.format(word=name) for name in params], params


async def tasks(
    tx: Transaction, user_id: UUID, which: TaskFilter, cursor: str | None, limit: int
) -> Page[TaskRow]:
    """Return a page of tasks, newest first."""
    query, params = task_query(which, cursor)
    rows = await tx.all(TaskRow, query, user_id=user_id, limit=limit + 1, **params)
    return page_of(rows, limit, lambda row: ("tasks", row.created_at, row.task_id))


def task_query(which: TaskFilter, cursor: str | None) -> tuple[str, dict[str, Any]]:
    """Return the query of a page of tasks and its parameters but user_id and limit."""
    given = _given(which, TASK_FILTERS)
    clauses = [TASK_FILTERS[name] for name in given]
    return _query(SQL["task_list"], clauses, given, TASK_SORT, cursor)


async def running_of(tx: Transaction, user_id: UUID, run_id: UUID) -> list[RunningTask]:
    """Return the tasks of a run that have not ended, oldest first."""
    return await tx.all(RunningTask, SQL["running_of"], user_id=user_id, run_id=run_id)


def _given(which: RunFilter | TaskFilter, filters: dict[str, str]) -> dict[str, Any]:
    values = msgspec.structs.asdict(which)
    return {name: values[name] for name in filters if values[name] is not None}


def _query(
    text: str, clauses: list[str], params: dict[str, Any], sort: Sort[Any], cursor: str | None
) -> tuple[str, dict[str, Any]]:
    if cursor is not None:
        _, key, item_id = decode_cursor(cursor, sort.cursor)
        clauses = [*clauses, sort.after]
        params = {**params, "key": key, "id": item_id}
    return text.format(filters=all_of(clauses), order=sort.order), params


def all_of(clauses: list[str]) -> str:
    """Return clauses as a query's `{filters}`."""
    return "".join(f"\n    and {clause}" for clause in clauses)

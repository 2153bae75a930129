"""Rules and their batches in the database. Functions with `tx` work inside the caller's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from airuns.errors import Conflict
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, Database, Transaction
from airuns.server.ids import new_id
from airuns.server.retention.rules import Emptying, Match, Pass, Retention, Rule
from airuns.server.runs import changes
from airuns.server.runs import store as runs
from airuns.server.runs.lists import RunFilter, all_of, run_clauses

SQL = queries.load(__package__ or "")
NOWHERE = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
ROWS_A_BATCH = 1_000
RUNS_A_BATCH = 100

Place = tuple[datetime, UUID]
"""Where a batch ended in the order of the runs."""


class Batch(msgspec.Struct, frozen=True):
    """The next runs to work on, and where they end."""

    ids: list[UUID]
    place: Place


class Applied(msgspec.Struct, frozen=True):
    """How many runs a batch changed, what puts them back, and where it ended; None: the last."""

    count: int = 0
    change_id: UUID | None = None
    place: Place | None = None


async def read(tx: Transaction, user_id: UUID) -> Retention:
    """Return a user's rules and how they are going."""
    rows = await tx.rows(SQL["read"], user_id=user_id)
    return msgspec.convert(rows[0], Retention) if rows else Retention()


async def put_rules(tx: Transaction, user_id: UUID, rules: list[Rule]) -> None:
    """Replace a user's rules."""
    await tx.execute(SQL["put_rules"], user_id=user_id, rules=_json(rules))


async def preview(tx: Transaction, user_id: UUID, rules: list[Rule]) -> list[Match]:
    """Return what each rule would change if it were applied now and alone."""
    found: list[Match] = []
    for rule in rules:
        clauses, params = _clauses_of(rule, datetime.now(UTC))
        query = SQL["matching"].format(filters=all_of(clauses))
        [row] = await tx.rows(query, user_id=user_id, **params)
        found.append(Match(rule=rule, **row))
    return found


async def empty_trash(tx: Transaction, user_id: UUID, which: RunFilter) -> Emptying:
    """Ask for the removal of all deleted runs that a filter matches.

    Raises Conflict while an earlier emptying goes on.
    """
    earlier = await tx.value(SQL["lock"], user_id=user_id)
    if earlier is not None and earlier["ended_at"] is None:
        raise Conflict("The trash is being emptied already; GET /api/retention says how far it is.")
    which = replace(which, deleted=True)
    now = datetime.now(UTC)
    clauses, params = _clauses_of(which, now)
    query = SQL["matching"].format(filters=all_of(clauses))
    [row] = await tx.rows(query, user_id=user_id, **params)
    asked = Emptying(id=new_id(), filter=which, total=row["runs"], started_at=now)
    await tx.execute(SQL["put_emptying"], user_id=user_id, emptying=_json(asked))
    return asked


async def ask_erasure(tx: Transaction, user_id: UUID) -> None:
    """Have a user erased in the background."""
    await tx.execute(SQL["ask_erasure"], user_id=user_id)


async def claim(db: Database) -> UUID | None:
    """Take the user whose runs are to be worked on next; None when there is nobody."""
    async with db.transaction(SERVICE) as tx:
        return await tx.value(SQL["claim"])


async def release(tx: Transaction, user_id: UUID, seen: Retention, hours: float | None) -> None:
    """Give a user back, for so many hours; None: until something is asked for."""
    await tx.execute(SQL["release"], user_id=user_id, due_at=seen.due_at, hours=hours)


async def apply(tx: Transaction, user_id: UUID, rule: Rule, at: datetime, after: Place) -> Applied:
    """Apply a rule, as of a time, to the next batch of runs after a place."""
    batch = await _next(tx, user_id, *next_query(rule, at, after))
    if batch is None:
        return Applied()
    if rule.action == "purge":
        return Applied(await runs.purge_many(tx, user_id, batch.ids), None, batch.place)
    made = await changes.change(tx, user_id, rule.action, None, batch.ids)
    return Applied(made.count, made.id, batch.place)


async def empty(
    tx: Transaction, user_id: UUID, asked: Emptying, after: Place
) -> tuple[int, Place | None]:
    """Purge the next batch of an emptying; return how many runs, and where the batch ends."""
    batch = await _next(tx, user_id, *next_query(asked.filter, asked.started_at, after))
    if batch is None:
        return 0, None
    return await runs.purge_many(tx, user_id, batch.ids), batch.place


def next_query(which: Rule | RunFilter, at: datetime, after: Place) -> tuple[str, dict[str, Any]]:
    """Return the query of a batch of a rule or of an emptying, and its parameters but user_id."""
    clauses, params = _clauses_of(which, at)
    of_trash = isinstance(which, RunFilter) or which.action == "purge"
    order = "deleted_at" if of_trash else "last_message_at"
    place = {"after_at": after[0], "after_id": after[1]}
    most = {"limit": RUNS_A_BATCH, "most_rows": ROWS_A_BATCH}
    query = SQL["next_runs"].format(at=order, filters=all_of(clauses))
    return query, {**params, **place, **most}


async def purge_prompts(tx: Transaction, user_id: UUID, before: datetime) -> int:
    """Remove prompts deleted before a time that have no runs any more; return how many."""
    return await tx.execute(SQL["prompts_purge"], user_id=user_id, before=before)


async def note(tx: Transaction, user_id: UUID, state: Pass | Emptying) -> None:
    """Say how far the work for a user is, and keep its lease."""
    query = SQL["note_pass" if isinstance(state, Pass) else "note_emptying"]
    await tx.execute(query, user_id=user_id, state=_json(state))


async def fail(tx: Transaction, user_id: UUID, failure: str) -> None:
    """Say that what went on for a user has ended by a failure."""
    found = await read(tx, user_id)
    for state in (found.last_pass, found.emptying):
        if state is not None and state.ended_at is None:
            ended = datetime.now(UTC)
            await note(tx, user_id, replace(state, ended_at=ended, failure=failure))


def cutoff(rule: Rule, at: datetime) -> datetime:
    """Return since when a rule's runs have been untouched, as of a time."""
    return at - timedelta(days=rule.days)


def _clauses_of(which: Rule | RunFilter, at: datetime) -> tuple[list[str], dict[str, Any]]:
    if isinstance(which, RunFilter):
        before, chosen, more = at, which, "deleted_at <= %(cutoff)s"
    else:
        before = cutoff(which, at)
        chosen, more = which.chosen(before)
    clauses, params = run_clauses(chosen)
    return [*clauses, more], {**params, "cutoff": before}


async def _next(tx: Transaction, user_id: UUID, query: str, params: dict[str, Any]) -> Batch | None:
    rows = await tx.rows(query, user_id=user_id, **params)
    return Batch([row["id"] for row in rows], (rows[-1]["at"], rows[-1]["id"])) if rows else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

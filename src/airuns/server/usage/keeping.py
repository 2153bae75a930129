"""Usage is kept: folded by the server, built anew, and proven equal to the tasks.

Triggers only add rows to usage_changes (schema/81_usage_triggers.sql), so that nobody who ends a
task waits for another; what reads adds them to the sums. Folding keeps them few.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID

import psycopg

from airuns.errors import AirunsError
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, As, Database, Transaction, retried

SQL = queries.load(__package__ or "")
log = logging.getLogger(__name__)

FOLD_SECONDS = 5.0
FOLDED_AT_ONCE = 5000
USERS_AT_ONCE = 1000
MOST_SHOWN = 100

DIMENSIONS = (
    *("source_type", "prompt_id", "prompt_version", "provider", "model", "key_id", "status"),
    "error_code",
)
PART = ("about", "value", "detail")
COUNTS = (
    *("runs", "tasks", "failed", "counted", "priced", "estimated", "tokens_input", "tokens_output"),
    *("tokens_total", "tokens_cache_read", "tokens_cache_write_5m", "tokens_cache_write_1h"),
    *("tokens_reasoning", "generated_tokens", "generated_us", "first_token_tasks"),
    *("first_token_us", "total_time_tasks", "total_time_us"),
)
HISTOGRAMS = ("first_token_histogram", "total_time_histogram")
MEASURES = (*COUNTS, "cost", *HISTOGRAMS)


def _names(prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in MEASURES)


def _sums(prefix: str, which: str) -> str:
    """Sums of all measures; none is as good as 0, so an emptied row is no difference."""
    return ", ".join(
        f"coalesce(sum({name}) filter (where {which}), 0) as {prefix}{name}" for name in MEASURES
    )


def _wrong(query: str, **fragments: str) -> str:
    return SQL[query].format(
        **fragments,
        dimensions=", ".join(DIMENSIONS),
        measures=_names(),
        of_a_run=", ".join("1" if name == "runs" else "0" for name in MEASURES),
        kept_sums=_sums("kept_", "is_kept"),
        due_sums=_sums("due_", "not is_kept"),
        kept_names=_names("kept_"),
        due_names=_names("due_"),
    )


WRONG = {
    "hour": _wrong("wrong_usage"),
    "part of hour": _wrong("wrong_parts", table="usage_parts_hourly", step="hour"),
    "part of day": _wrong("wrong_parts", table="usage_parts_daily", step="day"),
    "part of month": _wrong("wrong_parts", table="usage_parts_monthly", step="month"),
}
"""Each finds sums that are not what they should be, by the tasks, or by the sums of the first."""


class Folding:
    """Folds everybody's changes of usage into the sums, again and again, in one process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to fold."""
        self._loop = asyncio.create_task(self._fold_for_ever())

    async def stop(self) -> None:
        """Stop; what is not folded is as exact, and is folded by the next."""
        if self._loop:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _fold_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            try:
                await fold_all(self._db)
            except AirunsError as error:
                log.warning("Usage waits to be folded: %s", error.detail)
            except Exception:  # upkeep outlives whatever goes wrong once
                log.exception("Usage could not be folded; trying again in %s s", FOLD_SECONDS)


async def fold_all(db: Database) -> int:
    """Fold everybody's changes; return how many there were. One user's failure stops no other's."""
    async with db.transaction(SERVICE) as tx:
        rows = await tx.rows(SQL["changed_users"], most=USERS_AT_ONCE)
    folded = 0
    for row in rows:
        try:
            folded += await fold(db, As(row["user_id"]))
        except psycopg.Error:
            log.exception("The usage of user %s could not be folded", row["user_id"])
    return folded


async def fold(db: Database, who: As) -> int:
    """Fold a user's changes into the sums; return how many there were."""
    folded = 0
    while True:
        last = await _fold_some(db, who)
        folded += last
        if last < FOLDED_AT_ONCE:
            return folded


@retried
async def _fold_some(db: Database, who: As) -> int:
    async with db.transaction(who) as tx:
        return await tx.value(SQL["fold"], user_id=who.user_id, most=FOLDED_AT_ONCE)


@retried
async def rebuild(db: Database, who: As) -> None:
    """Compute a user's usage anew from the tasks, while others go on writing."""
    async with db.transaction(who) as tx:
        await tx.execute(SQL["alone"])
        await tx.execute(SQL["rebuild"], user_id=who.user_id)


async def differences(tx: Transaction, user_id: UUID) -> list[str]:
    """Return what is not as the tasks say, a line each, at most 100 of a kind.

    Compares, to the last digit, each sum of usage by everything at once with the tasks, if these
    are right each by one thing alone with them, and the counts and totals of each run. Each
    comparison is one statement, so that it is right while tasks end.
    """
    of_user: dict[str, Any] = {"user_id": user_id, "most": MOST_SHOWN}
    found: list[str] = []
    for kind, query in WRONG.items():
        if not found:
            found = [_shown_usage(kind, row) for row in await tx.rows(query, **of_user)]
    return found + [_shown_run(row) for row in await tx.rows(SQL["wrong_runs"], **of_user)]


async def repair(db: Database, who: As) -> None:
    """Make runs' counts and totals, and the usage, what the tasks say."""
    while True:
        async with db.transaction(who) as tx:
            wrong = await tx.rows(SQL["wrong_runs"], user_id=who.user_id, most=MOST_SHOWN)
            ids = [row["id"] for row in wrong]
            await tx.execute(SQL["repair_runs"], user_id=who.user_id, run_ids=ids)
        if not wrong:
            break
    await rebuild(db, who)


async def users(db: Database) -> list[tuple[UUID, str]]:
    """Return everybody's id and user name."""
    found: list[tuple[UUID, str]] = []
    after = UUID(int=0)
    while True:
        async with db.transaction(SERVICE) as tx:
            rows = await tx.rows(SQL["users_after"], after=after, most=USERS_AT_ONCE)
        found += [(row["id"], row["username"]) for row in rows]
        if len(rows) < USERS_AT_ONCE:
            return found
        after = rows[-1]["id"]


def _shown_usage(kind: str, row: dict[str, Any]) -> str:
    """Say which sum is wrong: each measure as it is kept, and as it should be."""
    of = ", ".join(
        f"{name}={row[name]}"
        for name in ("tag", *DIMENSIONS, *PART)
        if row.get(name) and row[name] != UUID(int=0)
    )
    wrong = ", ".join(
        f"{name} {row[f'kept_{name}']} should be {row[f'due_{name}']}"
        for name in MEASURES
        if row[f"kept_{name}"] != row[f"due_{name}"]
    )
    return f"{kind} {row['at']:%Y-%m-%d %H:%M} UTC ({of}): {wrong}"


def _shown_run(row: dict[str, Any]) -> str:
    pairs = (
        ("task_count", "tasks"),
        ("ended_task_count", "ended"),
        ("counted_task_count", "counted"),
        ("priced_task_count", "priced"),
        ("total_tokens", "tokens"),
        ("total_cost", "cost"),
    )
    wrong = ", ".join(
        f"{kept} {row[kept]} should be {row[due]}" for kept, due in pairs if row[kept] != row[due]
    )
    return f"run {row['id']}: {wrong}"

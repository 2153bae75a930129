"""The walk through a user's buckets, from the latest back, until enough has been found.

Each step asks for up to four times as many buckets as the one before: a common word is found in
the first, and one that few buckets have costs a few steps, however much there is.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.runs.lists import all_of
from airuns.server.search.filters import Conditions
from airuns.server.search.match import PREFIX, Templates
from airuns.server.search.prefixes import prefix_of

SQL = queries.load(__package__ or "")

STEP = 600
EXAMINED = 8000
OF_ONE_RUN = 200
GROWS = 4
EVER = datetime.max.replace(tzinfo=UTC)
ANY_RUN = UUID(int=2**128 - 1)

Key = tuple[datetime, UUID]
"""What results by date are ordered by: when the newest match of a run was, and the run."""

END: Key = (EVER, ANY_RUN)


class Shelf(msgspec.Struct, frozen=True):
    """A bucket."""

    bucket: int
    has_names: bool
    prefix: str
    last_at: datetime


class Match(msgspec.Struct, frozen=True):
    """A document that matches: a message, or the own words of a run (all zeros).

    `looked` is how many documents were looked at to find it and those beside it.
    """

    run_id: UUID
    message_id: UUID
    at: datetime
    rank: float
    is_wanted: bool
    looked: int = 0

    @property
    def key(self) -> Key:
        return self.at, self.run_id


class Looked(msgspec.Struct, frozen=True):
    """What a step has found, and down to where everything has been looked at (None: all has)."""

    matches: list[Match]
    horizon: Key | None


async def shelves(tx: Transaction, user_id: UUID, asked: Templates) -> list[Shelf]:
    """Return the buckets of a user that may have what is asked for, the latest first."""
    own = prefix_of(user_id)
    wanted = [each.replace(PREFIX, own) for each in asked.wanted]
    return await tx.all(Shelf, SQL["shelves"], user_id=user_id, wanted=wanted)


async def in_runs(
    tx: Transaction, user_id: UUID, asked: Templates, run_ids: list[UUID], most: int = OF_ONE_RUN
) -> list[Match]:
    """Return the matches in some runs, at most so many of each, the latest first."""
    return await tx.all(
        Match,
        SQL["in_runs"],
        user_id=user_id,
        run_ids=run_ids,
        matching=asked.matching,
        ranking=asked.ranking,
        most=most,
    )


async def walk(
    tx: Transaction,
    user_id: UUID,
    asked: Templates,
    which: Conditions,
    along: list[Shelf],
    *,
    until: Key = END,
    most: int = STEP,
) -> AsyncIterator[Looked]:
    """Look through buckets for documents not after `until`, whose runs fulfil the conditions.

    Ends when all or EXAMINED documents have been looked at; the last horizon tells which.
    """
    query = SQL["matches"].format(filters=all_of(which.clauses))
    begin, size, examined = 0, 1, 0
    while begin < len(along) and examined < EXAMINED:
        chunk = along[begin : begin + size]
        later = along[begin + size : begin + size + 1]
        beyond: Key | None = (later[0].last_at, ANY_RUN) if later else None
        here, before = until, examined
        while examined < EXAMINED:
            most = min(most, EXAMINED - examined)
            rows = await tx.all(
                Match,
                query,
                user_id=user_id,
                buckets=[shelf.bucket for shelf in chunk],
                matching=[asked.matching.replace(PREFIX, shelf.prefix) for shelf in chunk],
                ranking=[asked.ranking.replace(PREFIX, shelf.prefix) for shelf in chunk],
                until_at=here[0],
                until_run=here[1],
                most=most,
                **which.params,
            )
            looked = rows[-1].looked if rows else 0
            examined += looked
            wanted = [row for row in rows if row.is_wanted]
            if looked < most:
                yield Looked(wanted, min(until, beyond) if beyond else None)
                break
            stopped = rows[-1].key
            if stopped == here:  # more than that of one run at one moment: pass it by
                stopped = (here[0], UUID(int=max(here[1].int - 1, 0)))
            here = stopped
            most *= GROWS
            yield Looked(wanted, max(here, beyond) if beyond else here)
        begin, size = begin + size, _following(size, examined - before, EXAMINED - examined)


def _following(size: int, found: int, left: int) -> int:
    """Return how many buckets to ask next, when so many had so many documents.

    Each bucket is read whole, so no more are asked than are likely to have what is left.
    """
    likely = left * size // found if found else size * GROWS
    return max(1, min(size * GROWS, likely))

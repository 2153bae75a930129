"""What is near in meaning to what is searched for, in the transaction of a search."""

import logging
from datetime import datetime
from uuid import UUID

import msgspec
import psycopg

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.runs.lists import all_of
from airuns.server.search import walk
from airuns.server.search.filters import Conditions

SQL = queries.load(__package__ or "", "meaning.sql")
log = logging.getLogger(__name__)

NEAREST = 100
FEW_RUNS = 500


class Meant(msgspec.Struct, frozen=True):
    """What is searched for as a model understands it; without a vector a notice says why."""

    model: str
    vector: list[float] | None
    notices: list[str] = []


class Near(msgspec.Struct, frozen=True):
    """A message that is near in meaning."""

    run_id: UUID
    message_id: UUID
    at: datetime


async def nearest(
    tx: Transaction, user_id: UUID, meant: Meant | None, which: Conditions, now: datetime
) -> dict[UUID, Near]:
    """Return the runs that are nearest in meaning, nearest first, each with its nearest message.

    Of the NEAREST parts of messages those whose runs fulfil the conditions; where these leave few
    runs, of the parts in them.
    """
    if meant is None or meant.vector is None:
        return {}
    query = SQL["nearest"].format(filters=all_of(which.clauses))
    try:
        async with tx.connection.transaction():
            found = await tx.all(
                Near,
                query,
                user_id=user_id,
                model=meant.model,
                near=meant.vector,
                among=await _few_runs(tx, user_id, which) if which.is_asked else None,
                until_at=now,
                most=NEAREST,
                **which.params,
            )
    except (psycopg.ProgrammingError, psycopg.DataError):  # another server has another model
        log.exception("What is near in meaning could not be read")
        return {}
    near: dict[UUID, Near] = {}
    for each in found:
        near.setdefault(each.run_id, each)
    return near


async def _few_runs(tx: Transaction, user_id: UUID, which: Conditions) -> list[UUID] | None:
    """Return the runs that the filters leave; None when they are many."""
    query = walk.SQL["filtered_runs"].format(filters=all_of(which.clauses))
    rows = await tx.rows(query, user_id=user_id, limit=FEW_RUNS + 1, **which.params)
    return [row["id"] for row in rows] if len(rows) <= FEW_RUNS else None

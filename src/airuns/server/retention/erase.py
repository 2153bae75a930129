"""Erases a user: every row in every table that has a user, and every file that bears the user's id.

Which tables these are is read from the catalog, so that one that is added later is neither
forgotten nor left unproven.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from airuns.errors import Conflict, NotFound
from airuns.server.accounts import store as accounts
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, As, Database, Service, retried
from airuns.server.runs import store as runs

log = logging.getLogger(__name__)

SQL = queries.load(__package__ or "", "erase.sql")
RUNS_A_BATCH = 50
ROWS_A_BATCH = 2_000
SECONDS_TO_STOP = 10

Say = Callable[[str], None]


class Table(msgspec.Struct, frozen=True):
    """A table that has a user: its key, and who may read and delete its rows."""

    name: str
    user_column: str
    key: list[str]
    app_reads: bool
    app_deletes: bool
    service_reads: bool
    service_deletes: bool


class Held(msgspec.Struct, frozen=True):
    """How many rows of a user a table has."""

    table: str
    rows: int


async def held(db: Database, user_id: UUID) -> list[Held]:
    """Count a user's rows in every table that has a user.

    Raises Conflict when there is a table that nobody of ours can read: nothing is proven then.
    """
    found: list[Held] = []
    for table in await _tables(db):
        readers = _roles(user_id, app=table.app_reads, service=table.service_reads)
        if not readers:
            raise Conflict(f"Nobody can read {table.name}, so nothing can be said about it.")
        counts = [await _count(db, who, table, user_id) for who in readers]
        found.append(Held(table.name, max(counts)))
    return found


async def find(db: Database, user_id: UUID) -> accounts.User:
    """Return a user. Raises NotFound."""
    async with db.transaction(SERVICE) as tx:
        found = await tx.one(accounts.User, SQL["user_read"], user_id=user_id)
    if found is None:
        raise NotFound(f"There is no user {user_id}.", field="user_id")
    return found


async def erase(db: Database, user: accounts.User, data_dir: Path, say: Say) -> list[Held]:
    """Erase a user and return the proof: the count of each table afterwards, all of them 0.

    Raises Conflict when it is the only owner, or when something is left.
    """
    await check(db, user)
    await accounts.set_active(db, user.id, is_active=False)
    await _stop_tasks(db, user.id)
    gone = 0
    while more := await _erase_runs(db, user.id):
        gone += more
        say(f"{gone:,} runs are gone")
    await _erase_rows(db, user.id)
    _erase_files(data_dir, user.id)
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["login_failures_drop"], username=user.username)
        await tx.execute(SQL["user_drop"], user_id=user.id)
    proof = await held(db, user.id)
    if left := [each for each in proof if each.rows]:
        raise Conflict(f"Rows are left in {', '.join(each.table for each in left)}; erase again.")
    log.warning("User %s was erased.", user.id)
    return proof


async def check(db: Database, user: accounts.User) -> None:
    """Raise Conflict when a user cannot be erased: somebody has to own the store."""
    async with db.transaction(SERVICE) as tx:
        if user.is_owner and not await tx.value(SQL["other_owner"], user_id=user.id):
            raise Conflict(f"{user.username} is the only owner, and somebody has to be one.")


async def _tables(db: Database) -> list[Table]:
    async with db.transaction(SERVICE) as tx:
        return await tx.all(Table, SQL["tables"])


def _roles(user_id: UUID, *, app: bool, service: bool) -> list[As | Service]:
    return [who for who, may in ((As(user_id), app), (SERVICE, service)) if may]


async def _count(db: Database, who: As | Service, table: Table, user_id: UUID) -> int:
    query = sql.SQL("select count({user}) from airuns.{table} where {user} = {id}").format(
        table=sql.Identifier(table.name), user=sql.Identifier(table.user_column), id=user_id
    )
    async with db.transaction(who) as tx:
        row: Any = await (await tx.connection.execute(query)).fetchone()
    return row[0]


async def _stop_tasks(db: Database, user_id: UUID) -> None:
    """Have the servers stop what runs for the user; what does not stop in time loses its run."""
    for _ in range(SECONDS_TO_STOP * 10):
        async with db.transaction(As(user_id)) as tx:
            if not await tx.execute(SQL["tasks_stop"], user_id=user_id):
                return
        await asyncio.sleep(0.1)


@retried
async def _erase_runs(db: Database, user_id: UUID) -> int:
    async with db.transaction(As(user_id)) as tx:
        rows = await tx.rows(SQL["runs_take"], user_id=user_id, limit=RUNS_A_BATCH)
        ids = [row["id"] for row in rows]
        await tx.execute(SQL["runs_delete"], user_id=user_id, run_ids=ids)
        await tx.execute(SQL["keep_lease"], user_id=user_id)
        return await runs.purge_many(tx, user_id, ids)


async def _erase_rows(db: Database, user_id: UUID) -> None:
    """Erase what is left; a table that another one points at comes after that one."""
    waiting = [table for table in await _tables(db) if table.name not in ("retention", "users")]
    while waiting:
        refused: list[Table] = []
        for table in waiting:
            try:
                await _erase_table(db, table, user_id)
            except psycopg.errors.ForeignKeyViolation:
                refused.append(table)
        if len(refused) == len(waiting):
            raise Conflict(f"{refused[0].name} is pointed at; erase again.")
        waiting = refused


async def _erase_table(db: Database, table: Table, user_id: UUID) -> None:
    roles = _roles(user_id, app=table.app_deletes, service=table.service_deletes)
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    statement = sql.SQL(
        "delete from airuns.{table} where {user} = {id} and ({key}) in"
        " (select {key} from airuns.{table} where {user} = {id} limit {limit})"
    ).format(
        table=sql.Identifier(table.name),
        user=sql.Identifier(table.user_column),
        key=key,
        id=user_id,
        limit=ROWS_A_BATCH,
    )
    for who in roles[:1]:
        deleted = ROWS_A_BATCH
        while deleted == ROWS_A_BATCH:
            async with db.transaction(who) as tx:
                deleted = (await tx.connection.execute(statement)).rowcount


def _erase_files(data_dir: Path, user_id: UUID) -> None:
    """Remove journals and whatever else is named after the user."""
    for path in sorted(data_dir.glob(f"*/**/*{user_id}*")):
        if path.relative_to(data_dir).parts[0] != "postgres":
            path.unlink(missing_ok=True)

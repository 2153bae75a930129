"""The one door to the database: every statement runs in a transaction opened here, as somebody.

A user's transaction sees that user's rows and no others, whatever SQL it sends: row level security
reads the role and the user id that are set here with SET LOCAL (see schema/00_base.sql).
"""

import asyncio
import random
import select
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString, ParamSpec, TypeVar, cast
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import AsyncRowFactory, class_row, dict_row, scalar_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from airuns.errors import InvalidInput, Unavailable
from airuns.server.money import NumericLoader

T = TypeVar("T")
P = ParamSpec("P")

RETRIED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
OUT_OF_RANGE = (
    psycopg.errors.NumericValueOutOfRange,
    psycopg.errors.DatetimeFieldOverflow,
)
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class As(msgspec.Struct, frozen=True):
    """Whose transaction it is.

    `run_id` narrows it to one run of that user and `access` says what may be done there: so is a
    run opened for someone it is shared with. `key_id` is the API key that asked, which is kept with
    the tasks that it submits; None: a browser, or the server itself.
    """

    user_id: UUID
    run_id: UUID | None = None
    access: str = "write"
    key_id: UUID | None = None


class Service:
    """The transaction of sign-in and of the engine's own upkeep; few named functions use it."""


SERVICE = Service()


class Transaction:
    """An open transaction. Queries are named SQL texts with bound parameters."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def execute(self, query: str, **params: Any) -> int:
        """Run a statement and return the number of rows that it changed."""
        cursor = await self.connection.execute(cast("LiteralString", query), params)
        return cursor.rowcount

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """Send the statements executed in the block at once, without waiting for each.

        Their row counts are not known; an error shows at the end of the block.
        """
        async with self.connection.pipeline():
            yield

    async def all(self, kind: type[T], query: str, **params: Any) -> list[T]:
        """Return every row as a `kind`, whose fields are named as the columns."""
        return await (await self._cursor(class_row(kind), query, params)).fetchall()

    async def one(self, kind: type[T], query: str, **params: Any) -> T | None:
        """Return the first row as a `kind`, or None."""
        return await (await self._cursor(class_row(kind), query, params)).fetchone()

    async def value(self, query: str, **params: Any) -> Any:
        """Return the first column of the first row, or None."""
        return await (await self._cursor(scalar_row, query, params)).fetchone()

    async def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Return every row as a dictionary."""
        return await (await self._cursor(dict_row, query, params)).fetchall()

    async def _cursor(self, factory: AsyncRowFactory[T], query: str, params: dict[str, Any]):
        cursor = self.connection.cursor(row_factory=factory)
        return await cursor.execute(cast("LiteralString", query), params)


class Database:
    """The pool of connections of a process, behind the one door."""

    def __init__(self, url: str, size: int) -> None:
        self._pool = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            open=False,
            timeout=4,
            reconnect_timeout=4,  # its waits double, so a later request had better begin anew
            kwargs={"autocommit": True, "application_name": "airuns"},
            configure=_configure,
            check=_check,
        )

    async def open(self) -> None:
        """Connect. Raises Unavailable when the database cannot be reached."""
        try:
            await self._pool.open(wait=True, timeout=15)
        except PoolTimeout as error:
            raise Unavailable("The database cannot be reached.") from error

    async def close(self) -> None:
        """Wait for open transactions to end and disconnect."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, who: As | Service) -> AsyncGenerator[Transaction]:
        """Open a transaction as `who`: committed at the end of the block, rolled back on an error.

        Raises Unavailable when the database is away.
        """
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_opening(who))
                try:
                    yield Transaction(connection)
                    await connection.commit()
                except BaseException:
                    await _abandon(connection)
                    raise
        except OUT_OF_RANGE:
            raise InvalidInput(
                "A number or a time is too large or too small to be stored."
            ) from None
        except AWAY as error:
            if isinstance(error, RETRIED):
                raise
            raise Unavailable("The database is away for the moment; try again.") from error


async def _check(connection: AsyncConnection[Any]) -> None:
    """Find out whether an idle connection still lives, without a round trip when it does.

    A server that has gone away leaves something to read: its last words, or the end of the stream.
    """
    if select.select([connection.fileno()], [], [], 0)[0]:
        await AsyncConnectionPool.check_connection(connection)


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute("set timezone to 'UTC'")
    set_json_loads(msgspec.json.decode, connection)
    connection.adapters.register_loader("numeric", NumericLoader)


async def _abandon(connection: AsyncConnection[Any]) -> None:
    with suppress(psycopg.Error):  # a broken connection is thrown away by the pool
        await connection.rollback()


def _opening(who: As | Service) -> sql.Composed:
    """Begin and say who it is, in one message to the server."""
    if isinstance(who, Service):
        return sql.SQL("begin; set local role {}").format(sql.Identifier("airuns_service"))
    settings = {"user_id": who.user_id, "run_id": who.run_id, "access": who.access}
    context = [
        sql.SQL("set local {} = {}").format(sql.Identifier("airuns", name), str(value))
        for name, value in settings.items()
        if value is not None
    ]
    return sql.SQL("; ").join([sql.SQL("begin; set local role airuns_app"), *context])


def retried(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a function that opens its own transaction again when PostgreSQL asks for it.

    A deadlock or a serialization failure is nobody's fault and goes away on a further try.
    """

    async def tries(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(10):
            try:
                return await work(*args, **kwargs)
            except RETRIED:
                await asyncio.sleep(random.uniform(0, 0.02) * 2**attempt)  # noqa: S311
        return await work(*args, **kwargs)

    return tries

"""Rows for tests of the database, in plain SQL, with as little said as a test needs."""

from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from airuns.server.db.door import Transaction
from airuns.server.ids import new_id
from tests.people import Person

DEFAULTS: dict[str, dict[str, Any]] = {
    "prompts": {"name": "Prompt"},
    "prompt_versions": {"version": 1, "messages": "[]"},
    "ai_runs": {"source_type": "chat", "name": "Run"},
    "ai_messages": {"depth": 0, "role": "user", "content": "Hi", "chain_hash": bytes(32)},
    "ai_tasks": {},
}


def insert(table: str, values: dict[str, Any]) -> sql.Composed:
    """Return the statement that inserts `values`, as named parameters."""
    return sql.SQL("insert into airuns.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )


def row(table: str, user_id: UUID, **values: Any) -> tuple[UUID, dict[str, Any]]:
    """Return a new id and the whole row that has it."""
    key = "task_id" if table == "ai_tasks" else "id"
    values = {"user_id": user_id, key: new_id(), **DEFAULTS.get(table, {}), **values}
    return values[key], values


async def add(tx: Transaction, table: str, user_id: UUID, **values: Any) -> UUID:
    """Insert a row in a transaction of the door; return its id."""
    new, values = row(table, user_id, **values)
    await tx.connection.execute(insert(table, values), values)
    return new


def put(connection: Connection[Any], table: str, user_id: UUID, **values: Any) -> UUID:
    """Insert a row over a plain connection; return its id."""
    new, values = row(table, user_id, **values)
    connection.execute(insert(table, values), values)
    return new


def become(
    connection: Connection[Any], role: str, person: Person | None = None, **more: Any
) -> None:
    """Set the context of a transaction, as the door does; `more` are settings such as run_id."""
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
    settings = {"user_id": person.user_id, **more} if person else more
    for name, value in settings.items():
        connection.execute(
            sql.SQL("set local {} = {}").format(sql.Identifier("airuns", name), str(value))
        )

"""Plain connections to the database, each test's work rolled back."""

from collections.abc import Generator
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import dict_row

from tests.people import Person

Row = dict[str, Any]


@pytest.fixture
def owner(database_url: str) -> Generator[Connection[Row]]:
    """A connection as the schema's owner; nothing that a test does with it stays."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("set search_path = ''")
        yield connection
        connection.rollback()


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

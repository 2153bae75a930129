"""Plain connections to the database, each test's work rolled back."""

from collections.abc import Callable, Generator
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from airuns.server.db import embedded
from tests.sql.alice import put_rows
from tests.sql.plans import fill

Row = dict[str, Any]


@pytest.fixture
def owner(database_url: str) -> Generator[Connection[Row]]:
    """A connection as the schema's owner; nothing that a test does with it stays."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("set search_path = ''")
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def url(new_database: Callable[[], str]) -> str:
    """A database that has Alice's rows."""
    made = new_database()
    with psycopg.connect(made) as connection:
        put_rows(connection)
    return made


@pytest.fixture(scope="session")
def full(new_database: Callable[[], str]) -> str:
    """A database in which Alice has 100,000 runs of 100 prompts."""
    url = new_database()
    with psycopg.connect(url.replace("airuns@", f"{embedded.SUPERUSER}@"), autocommit=True) as root:
        fill(root)
    return url


@pytest.fixture
def raw(url: str) -> Generator[Connection[Any]]:
    """A plain connection as the schema's owner; nothing that a test does with it stays."""
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()

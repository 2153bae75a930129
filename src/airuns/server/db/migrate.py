"""Brings a database to the schema that this release needs.

Each migration is one .sql file, run in a transaction of its own: killed at any moment, it leaves
the schema as it was before or as it is after. The version is kept in `airuns.schema_version`, which
only the owner of the schema can see.
"""

from pathlib import Path
from typing import LiteralString, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from airuns.errors import StartError

MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMA = Path(__file__).parent / "schema"
FIRST = MIGRATIONS / "versions" / "0001_first_schema.sql"
ADVISORY_LOCK = 0x41495255  # "AIRU"
LOCK_TIMEOUT = "10s"
OLDEST_SERVER = 150000


def needed_version() -> str:
    """Return the schema version that this release needs, such as '0001'."""
    return max(path.name[:4] for path in MIGRATIONS.glob("versions/*.sql"))


def read_version(url: str) -> str | None:
    """Return the schema version of a database, or None when it is empty.

    Raises StartError when the database cannot be reached or is too old a PostgreSQL.
    """
    with connect(url) as connection:
        kept = connection.execute("select to_regclass('airuns.schema_version')").fetchone()
        if kept == (None,):
            return None
        row = connection.execute("select version_num from airuns.schema_version").fetchone()
    return str(row[0]) if row else None


def check_version(url: str) -> None:
    """Raise StartError, naming the remedy, unless the schema is the one that this release needs."""
    found, needed = read_version(url), needed_version()
    if found is None or found < needed:
        has = "no schema" if found is None else f"schema {found}"
        raise StartError(
            f"The database has {has} and this release needs {needed}. Run: airuns db migrate"
        )
    if found > needed:
        raise StartError(
            f"The database has schema {found}, made by a newer release; this one knows {needed}. "
            "Install the newer release."
        )


def migrate(url: str) -> str:
    """Run the migrations that are missing and return the version that the schema has then.

    Migrators that run at the same time wait for each other.
    Raises StartError when the database cannot be reached, belongs to a newer release, or refuses a
    migration, which then leaves it as it was.
    """
    found = read_version(url)
    if found is not None and found >= needed_version():
        check_version(url)
        return found
    try:
        _upgrade(url)
    except psycopg.Error as error:
        raise StartError(f"The schema stays as it was, for a migration failed: {error}") from error
    return needed_version()


def _upgrade(url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.connect() as connection:
        connection.execute(text(f"select pg_advisory_lock({ADVISORY_LOCK})"))
        connection.execute(text("create schema if not exists airuns"))
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def run_sql(migration: str) -> None:
    """Run the .sql file beside a migration, in the migration's transaction."""
    from alembic import op

    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    connection.execute(cast("LiteralString", Path(migration).with_suffix(".sql").read_text()))


def connect(url: str) -> psycopg.Connection:
    """Connect as the owner of the schema.

    Raises StartError when the database cannot be reached or is older than PostgreSQL 15.
    """
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # whose message repeats the address, password included
        raise StartError(
            "AIRUNS_DATABASE_URL cannot be read: write it as "
            "postgresql://user:password@host:5432/database, with %-escapes in the password."
        ) from None
    try:
        connection = psycopg.connect(url, connect_timeout=10, application_name="airuns migrate")
    except psycopg.Error as error:
        raise StartError(f"The database cannot be reached: {str(error).strip()}") from None
    if connection.info.server_version < OLDEST_SERVER:
        connection.close()
        raise StartError("The database is older than PostgreSQL 15; upgrade it.")
    return connection


def write_first_migration() -> None:
    """Write migration 0001 anew from schema/*.sql: until the first release, never after it."""
    FIRST.write_text("\n".join(path.read_text() for path in sorted(SCHEMA.glob("*.sql"))))

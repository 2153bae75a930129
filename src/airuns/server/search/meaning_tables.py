"""The tables of search by meaning, which exist only where it is configured."""

from importlib.resources import files
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from airuns.errors import AirunsError
from airuns.server.db.migrate import LOCK_TIMEOUT, connect

ADVISORY_LOCK = 0x41495256  # beside that of the migrations
OLDEST = (0, 8)
MOST_DIMENSIONS = 4000

DDL = files(__package__ or "").joinpath("meaning_tables.sql").read_text()


class NoMeanings(AirunsError):
    """Search by meaning cannot be had with this database or this model"""


def make(url: str, model: str, dimensions: int) -> bool:
    """Have tables for the vectors of a model; say whether they were made now.

    Those of another model are dropped with what is in them. Servers that start at the same time
    wait for each other. Raises NoMeanings, with the remedy, and StartError when the database is
    away.
    """
    if dimensions > MOST_DIMENSIONS:
        raise NoMeanings(
            f"{model} has vectors of {dimensions} dimensions; the index takes {MOST_DIMENSIONS}."
        )
    with connect(url) as connection:
        connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        connection.execute("select pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        vectors = _vectors(connection)
        about = (
            f"The meaning of messages, as {model} has it in {dimensions} dimensions (form 1). "
            "Made from them, and anew when it is dropped."
        )
        if _about(connection) == about:
            return False
        connection.execute(
            sql.SQL(cast("LiteralString", DDL)).format(
                model=sql.Literal(model),
                dimensions=sql.SQL(cast("LiteralString", str(int(dimensions)))),
                vectors=sql.Identifier(vectors),
                about=sql.Literal(about),
            )
        )
    return True


def _vectors(connection: psycopg.Connection) -> str:
    """Return the schema of the extension, which is made where that is allowed."""
    row = _extension(connection)
    if row is None:
        try:
            with connection.transaction():
                connection.execute("create extension vector")
        except psycopg.Error as error:
            raise NoMeanings(
                "AIRUNS_EMBEDDING_MODEL needs pgvector in the database, and it is not there "
                f"({str(error).strip()}). A superuser makes it: create extension vector; then "
                "start again."
            ) from None
        row = _extension(connection)
    assert row is not None
    schema, version = row
    if tuple(int(each) for each in version.split(".")[:2]) < OLDEST:
        raise NoMeanings(
            f"AIRUNS_EMBEDDING_MODEL needs pgvector 0.8 or later; the database has {version}. "
            "A superuser brings it up: alter extension vector update; then start again."
        )
    return schema


def _extension(connection: psycopg.Connection) -> tuple[str, str] | None:
    return connection.execute(
        "select n.nspname, e.extversion from pg_catalog.pg_extension as e"
        " join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'vector'"
    ).fetchone()


def _about(connection: psycopg.Connection) -> str | None:
    row = connection.execute(
        "select obj_description(to_regclass('airuns.search_meanings'), 'pg_class')"
    ).fetchone()
    return row[0] if row else None

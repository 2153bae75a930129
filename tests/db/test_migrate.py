"""Migrations: they build what schema/*.sql says, wait for each other, and can be killed."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from airuns.errors import StartError
from airuns.server.db import embedded, migrate
from airuns.server.db.unprivileged import account
from tests.serving import AIRUNS, airuns, environment, wait_until


def dump(url: str) -> list[str]:
    """Return the schema of a database as pg_dump writes it, without the version table."""
    command = [embedded.programs(account()) / "pg_dump", "--schema-only", url]
    options = ["--exclude-table=airuns.schema_version", "--schema=airuns"]
    text = subprocess.run([*command, *options], capture_output=True, check=True, text=True).stdout
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]


def test_migrations_build_the_schema(database_url: str, empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        for path in sorted(migrate.SCHEMA.glob("*.sql")):
            connection.execute(path.read_bytes())
    expected = dump(empty_database_url)
    assert len(expected) > 300
    assert dump(database_url) == expected, "run: airuns db write-first-migration"


def test_the_version_is_the_owners_alone(own_database_url: str) -> None:
    assert migrate.read_version(own_database_url) == migrate.needed_version()
    migrate.check_version(own_database_url)
    with psycopg.connect(own_database_url) as connection:
        connection.execute("set local role airuns_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update airuns.schema_version set version_num = '0000'")


@pytest.mark.parametrize(
    ("version", "remedy"), [("0000", "airuns db migrate"), ("9999", "Install the newer release")]
)
def test_another_schema_is_refused(own_database_url: str, version: str, remedy: str) -> None:
    with psycopg.connect(own_database_url) as connection:
        connection.execute("update airuns.schema_version set version_num = %s", [version])
    with pytest.raises(StartError, match=remedy):
        migrate.check_version(own_database_url)


def test_a_newer_schema_is_not_migrated(own_database_url: str) -> None:
    with psycopg.connect(own_database_url) as connection:
        connection.execute("update airuns.schema_version set version_num = '9999'")
    with pytest.raises(StartError, match="newer release"):
        migrate.migrate(own_database_url)


def test_an_empty_database_is_refused_until_migrated(empty_database_url: str) -> None:
    assert migrate.read_version(empty_database_url) is None
    with pytest.raises(StartError, match="airuns db migrate"):
        migrate.check_version(empty_database_url)
    assert migrate.migrate(empty_database_url) == migrate.needed_version()
    migrate.check_version(empty_database_url)


def test_migrators_wait_for_each_other(empty_database_url: str, tmp_path: Path) -> None:
    env = environment(tmp_path, AIRUNS_DATABASE_URL=empty_database_url)
    started = [subprocess.Popen([AIRUNS, "db", "migrate"], env=env) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0] * 3
    migrate.check_version(empty_database_url)


def test_killed_in_the_middle_it_leaves_nothing_behind(
    empty_database_url: str, tmp_path: Path
) -> None:
    """Another's table of the same name makes the migration wait when half is done."""
    with psycopg.connect(empty_database_url) as other:
        other.execute("create schema airuns")
        other.commit()
        other.execute("create table airuns.attachments (id int)")
        migrator = subprocess.Popen(
            [AIRUNS, "db", "migrate"],
            env=environment(tmp_path, AIRUNS_DATABASE_URL=empty_database_url),
        )
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        with psycopg.connect(empty_database_url, autocommit=True) as watch:
            wait_until(lambda: watch.execute(waiting).fetchone() == (1,))
            migrator.kill()
            migrator.wait()
            other.rollback()
            wait_until(lambda: watch.execute(waiting).fetchone() == (0,))
            left = "select count(*) from pg_tables where tablename <> 'schema_version'"
            wait_until(
                lambda: watch.execute(f"{left} and schemaname = 'airuns'").fetchone() == (0,)
            )
    assert migrate.read_version(empty_database_url) is None
    done = airuns(tmp_path, "db", "migrate", AIRUNS_DATABASE_URL=empty_database_url)
    assert (done.returncode, done.stderr) == (0, "")
    migrate.check_version(empty_database_url)


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    done = airuns(tmp_path, "db", "status", AIRUNS_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("airuns: The database cannot be reached")
    assert "Traceback" not in done.stderr

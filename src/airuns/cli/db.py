"""`airuns db`."""

import sys
from pathlib import Path

import click

from airuns.cli import options
from airuns.server.db import migrate as migrations
from airuns.server.db.door import As, Database
from airuns.server.db.opening import reachable


@click.group()
def db() -> None:
    """Migrate the database, or see how it is."""


@db.command()
@options.data_dir
def migrate(data_dir: Path | None) -> None:
    """Bring the schema to the version that this release needs."""
    with reachable(options.settings(data_dir=data_dir)) as url:
        click.echo(f"The schema is at version {migrations.migrate(url)}.")


@db.command()
@options.data_dir
def status(data_dir: Path | None) -> None:
    """Say where the database is, its versions and its size."""
    settings = options.settings(data_dir=data_dir)
    with reachable(settings) as url:
        with migrations.connect(url) as connection:
            server = connection.info.parameter_status("server_version")
            size = connection.execute(
                "select pg_size_pretty(pg_database_size(current_database()))"
            ).fetchone()
        click.echo(f"database  {'your own' if settings.database_url else settings.data_dir}")
        click.echo(f"server    PostgreSQL {server}")
        click.echo(f"schema    {migrations.read_version(url) or 'none'}")
        click.echo(f"needed    {migrations.needed_version()}")
        click.echo(f"size      {size[0] if size else 'unknown'}")


@db.command()
@click.option("--user", "username", help="Whose; default: everybody's.")
@click.option("--repair", is_flag=True, help="Compute what is wrong anew from the tasks.")
@options.data_dir
def verify(username: str | None, repair: bool, data_dir: Path | None) -> None:
    """Prove that every sum is the sum over the tasks, to the last digit.

    Compares the usage by hour, day and month, and the counts and totals of each run; prints what
    differs and ends with 1. May run beside a server at work.
    """
    from airuns.server.accounts import store
    from airuns.server.usage import keeping

    async def work(database: Database) -> int:
        if username:
            found = await store.user_named(database, username.strip().lower())
            people = [(found.id, found.username)]
        else:
            people = await keeping.users(database)
        wrong = 0
        for user_id, name in people:
            async with database.transaction(As(user_id)) as tx:
                found_wrong = await keeping.differences(tx, user_id)
            for line in found_wrong:
                click.echo(f"{name}: {line}")
            if found_wrong and repair:
                await keeping.repair(database, As(user_id))
                click.echo(f"{name}: repaired")
            wrong += len(found_wrong)
        click.echo(f"{len(people)} users verified, {wrong or 'no'} differences.")
        return wrong

    if options.with_database(options.settings(data_dir=data_dir), work):
        sys.exit(1)


@db.command("write-first-migration", hidden=True)
def write_first_migration() -> None:
    """Write migration 0001 from schema/*.sql; for developers, until the first release."""
    migrations.write_first_migration()

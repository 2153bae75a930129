"""`airuns db`."""

from pathlib import Path

import click

from airuns.cli import options
from airuns.server.db import migrate as migrations
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


@db.command("write-first-migration", hidden=True)
def write_first_migration() -> None:
    """Write migration 0001 from schema/*.sql; for developers, until the first release."""
    migrations.write_first_migration()

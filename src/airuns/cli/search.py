"""`airuns search`."""

from pathlib import Path

import click

from airuns.cli import options
from airuns.errors import NotFound
from airuns.server.db.door import Database
from airuns.server.search import reindex as indexing


@click.group()
def search() -> None:
    """Look after the index of the search."""


@search.command()
@click.option("--user", "username", help="Whose texts; default: everybody's.")
@options.data_dir
def reindex(username: str | None, data_dir: Path | None) -> None:
    """Make the index anew. Servers go on, and what is indexed already is found meanwhile.

    It may be stopped and given again at any time.
    """

    def say(done: int) -> None:
        click.echo(f"{done:,} texts", err=True)

    async def work(db: Database) -> int:
        user_ids = await indexing.users(db, username)
        if username and not user_ids:
            raise NotFound(f"There is no user {username}.")
        return sum([await indexing.reindex(db, user_id, say) for user_id in user_ids])

    done = options.with_database(options.settings(data_dir=data_dir), work)
    click.echo(f"{done:,} texts are indexed anew.")

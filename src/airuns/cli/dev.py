"""`airuns dev`."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click

from airuns.cli import options
from airuns.dev import seed as seeding
from airuns.dev.shape import Options, this_hour
from airuns.server.db import embedded
from airuns.server.db.door import As, Database
from airuns.server.db.opening import ready
from airuns.server.db.unprivileged import account
from airuns.server.search.reindex import PAGE, reindex
from airuns.server.usage import keeping


@click.group()
def dev() -> None:
    """Tools for work on AI Runs itself."""


@dev.command()
@click.option("--runs", type=click.IntRange(min=1), required=True, help="How many runs.")
@click.option("--users", type=click.IntRange(1, 1000), default=1, help="How many have them.")
@click.option("--user", "username", help="Who has most of them; default: the owner.")
@click.option("--messages", type=click.FloatRange(2, 500), default=10, help="Mean per run.")
@click.option("--seed", "number", type=int, default=1, help="Another number, another store.")
@click.option("--days", type=click.IntRange(min=1), default=365, help="How far they go back.")
@click.option("--until", type=click.DateTime(), help="When the last were (UTC); default: now.")
@click.option("--index/--no-index", default=True, help="Whether to index it for search, too.")
@options.data_dir
def seed(
    runs: int,
    users: int,
    username: str | None,
    messages: float,
    number: int,
    days: int,
    until: datetime | None,
    index: bool,
    data_dir: Path | None,
) -> None:
    """Fill a store with realistic runs, to try and to measure with.

    Equal options give equal runs. A command that was stopped goes on when it is given again with
    the same --until, which it prints.
    """
    settings = options.settings(data_dir=data_dir)
    wanted = Options(
        runs=runs,
        users=users,
        messages=messages,
        seed=number,
        days=days,
        until=until.replace(tzinfo=UTC) if until else this_hour(),
    )
    with ready(settings) as url:
        if not settings.database_url:
            url = embedded.Cluster(settings.data_dir, account()).url(embedded.SUPERUSER)
        first = (username or seeding.owner_name(url)).strip().lower()
        click.echo(f"{runs:,} runs for {first}, --until {wanted.until:%Y-%m-%dT%H:%M:%S}")
        names = [first, *(f"seeded-{rank}" for rank in range(2, users + 1))]
        user_ids = seeding.ensure_users(url, names)
        added = seeding.seed(url, wanted, user_ids, click.echo)
        click.echo(f"{added:,} runs were added. Now their usage, and their index.")
        options.with_database(settings, lambda db: _complete(db, user_ids, index=index))
        seeding.tidy(url)


async def _complete(db: Database, user_ids: list[UUID], *, index: bool) -> None:
    """Make what is derived from runs, by the server's own functions."""
    for user_id in user_ids:
        await keeping.rebuild(db, As(user_id))
    for user_id in user_ids if index else []:
        await reindex(db, user_id, _say_indexed)


def _say_indexed(done: int) -> None:
    if done % 100_000 < PAGE:
        click.echo(f"{done:,} texts indexed")

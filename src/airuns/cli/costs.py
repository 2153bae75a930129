"""`airuns costs`."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click

from airuns.cli import options
from airuns.server.db.door import As, Database

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def costs() -> None:
    """Look at and correct what tasks have cost."""


@costs.command()
@click.option("--since", type=MOMENT, required=True, help="Tasks submitted from then on (UTC).")
@click.option("--until", type=MOMENT, help="And before then (UTC); default: now.")
@click.option("--model", help="Only this one: NAME, or PROVIDER/NAME.")
@click.option("--user", "username", help="Whose; default: everybody's.")
@click.option("--yes", is_flag=True, help="Write it; without, only show what would change.")
@options.data_dir
def reprice(
    since: datetime,
    until: datetime | None,
    model: str | None,
    username: str | None,
    yes: bool,
    data_dir: Path | None,
) -> None:
    """Price past tasks by today's price table, at the prices of their own time.

    Without --yes nothing is changed. Tasks without token counts, those whose caller said the cost,
    and those whose price is not known stay as they are.
    """
    from airuns.server.accounts import store
    from airuns.server.usage import keeping
    from airuns.server.usage.repricing import Repriced
    from airuns.server.usage.repricing import reprice as price_anew

    begin = since.replace(tzinfo=UTC)
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)

    def show(name: str, rows: list[Repriced]) -> None:
        for row in rows:
            click.echo(
                f"{name}  {row.provider}/{row.model}  {row.tasks} tasks, {row.changed} change, "
                f"{row.unpriced_before} of them unknown before  "
                f"{row.before:f} -> {row.after:f} USD  ({row.after - row.before:+f})"
            )

    async def work(db: Database) -> None:
        if username:
            found = await store.user_named(db, username.strip().lower())
            people = [(found.id, found.username)]
        else:
            people = await keeping.users(db)
        changed, difference = 0, Decimal(0)
        for user_id, name in people:
            rows = await price_anew(db, As(user_id), begin, end, model, write=yes)
            show(name, rows)
            changed += sum(row.changed for row in rows)
            difference += sum((row.after - row.before for row in rows), Decimal(0))
        said = "changed" if yes else "would change; to write it, add --yes"
        click.echo(f"{changed} tasks, {difference:+f} USD: {said}.")

    options.with_database(options.settings(data_dir=data_dir), work)

"""`airuns key`."""

from pathlib import Path

import click

from airuns.cli import options
from airuns.errors import NotFound
from airuns.server.accounts import rules, store
from airuns.server.accounts.records import Key
from airuns.server.db.door import As, Database

of_user = click.option("--user", "username", help="Whose key; default: the owner's.")


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@click.argument("name")
@of_user
@options.data_dir
def create(name: str, username: str | None, data_dir: Path | None) -> None:
    """Make an API key known as NAME and print it, this once and nothing else."""
    label = rules.check_label(name, "NAME")

    async def work(db: Database) -> str:
        _, text = await store.add_key(db, As((await options.whose(db, username)).id), label)
        return text

    click.echo(options.with_database(options.settings(data_dir=data_dir), work))


@key.command("list")
@of_user
@options.data_dir
def list_(username: str | None, data_dir: Path | None) -> None:
    """List API keys, newest first: id, first characters, name, last use."""

    async def work(db: Database) -> list[Key]:
        return await store.list_keys(db, As((await options.whose(db, username)).id), None, 1000)

    for found in options.with_database(options.settings(data_dir=data_dir), work):
        used = f"{found.last_used_at:%Y-%m-%d %H:%M} UTC" if found.last_used_at else "never used"
        click.echo(
            f"{found.id}  {found.prefix}…  {'revoked' if found.revoked_at else used}  {found.name}"
        )


@key.command()
@click.argument("which")
@of_user
@options.data_dir
def revoke(which: str, username: str | None, data_dir: Path | None) -> None:
    """Revoke API keys for good. WHICH is an id, or a name that may be several keys'."""

    async def work(db: Database) -> int:
        who = As((await options.whose(db, username)).id)
        keys = await store.list_keys(db, who, None, 1000)
        chosen = [one for one in keys if which in (str(one.id), one.name) and not one.revoked_at]
        if not chosen:
            raise NotFound(f"There is no API key {which}; see: airuns key list")
        for one in chosen:
            await store.revoke_key(db, who, one.id)
        return len(chosen)

    count = options.with_database(options.settings(data_dir=data_dir), work)
    click.echo(f"{count} {'key' if count == 1 else 'keys'} revoked; servers notice within seconds.")

"""`airuns user`."""

from pathlib import Path

import click

from airuns.cli import options
from airuns.server.accounts import passwords, rules, store
from airuns.server.db.door import Database


@click.group()
def user() -> None:
    """Let people in."""


@user.command()
@click.argument("name")
@click.option("--password", is_flag=True, help="Ask for a password in place of making a link.")
@options.data_dir
def add(name: str, password: bool, data_dir: Path | None) -> None:
    """Let NAME in, by a one-time link or a password. The first user is the owner."""
    username = rules.check_username(name)
    settings = options.settings(data_dir=data_dir)
    chosen = _ask() if password else None

    async def work(db: Database) -> str:
        added = await store.add_user(db, username, username, chosen)
        return "" if chosen else await store.add_link(db, added.id)

    token = options.with_database(settings, work)
    click.echo(f"{username} can sign in at {settings.url}/sign-in{f'/{token}' if token else ''}")


def _ask() -> str:
    text = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return passwords.hash_password(rules.check_password(text, "password"))


@user.command()
@click.argument("name")
@options.data_dir
def link(name: str, data_dir: Path | None) -> None:
    """Print a link that signs NAME in once, within 24 hours."""
    settings = options.settings(data_dir=data_dir)

    async def work(db: Database) -> str:
        found = await store.user_named(db, name.strip().lower())
        return await store.add_link(db, found.id)

    click.echo(f"{settings.url}/sign-in/{options.with_database(settings, work)}")


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without this it only says what would go.")
@options.data_dir
def erase(name: str, yes: bool, data_dir: Path | None) -> None:
    """Remove NAME and everything of NAME's for good, and prove that nothing is left."""
    from airuns.server.retention import erase as erasure
    from airuns.server.retention.erase import Held

    settings = options.settings(data_dir=data_dir)

    async def work(db: Database) -> list[Held]:
        found = await store.user_named(db, name.strip().lower())
        if yes:
            return await erasure.erase(db, found, settings.data_dir, click.echo)
        await erasure.check(db, found)
        return await erasure.held(db, found.id)

    rows = options.with_database(settings, work)
    width = max(len(each.table) for each in rows)
    for each in rows:
        click.echo(f"{each.table:<{width}}  {each.rows:>12,}")
    if yes:
        click.echo("Nothing of this user is left in any table. Backups made before still have it.")
    else:
        click.echo("So many rows would go. Do it with --yes; nothing brings them back.")

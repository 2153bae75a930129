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

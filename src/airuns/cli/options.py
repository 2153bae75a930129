"""What several commands share: the data folder, the settings and the way to the database."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from airuns.server.accounts import store as accounts
from airuns.server.accounts.records import User
from airuns.server.db.door import Database
from airuns.server.db.opening import ready
from airuns.server.settings import Settings, load

T = TypeVar("T")

data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the database, journals and keys; default: AIRUNS_DATA_DIR.",
)


def settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; options of the command line win."""
    return load(os.environ, **overrides)


def with_database(given: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database, beside a running server or without one."""

    async def run(url: str) -> T:
        database = Database(url, 1)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    with ready(given) as url:
        return asyncio.run(run(url))


async def whose(db: Database, username: str | None) -> User:
    """Return the user whom a command is about: the named one, else the owner. Raises NotFound."""
    if username:
        return await accounts.user_named(db, username.strip().lower())
    return await accounts.find_owner(db)

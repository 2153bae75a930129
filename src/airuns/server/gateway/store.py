"""Aliases of models in the database, and what an API key may do."""

from datetime import datetime
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id

SQL = queries.load(__package__ or "")


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own name of a model: provider/name, and those that are called when that fails."""

    name: str
    model: str
    fallbacks: list[str]
    created_at: datetime
    updated_at: datetime


async def aliases(tx: Transaction, user_id: UUID) -> list[Alias]:
    """Return a user's aliases, by name."""
    return await tx.all(Alias, SQL["alias_list"], user_id=user_id)


async def count_others(tx: Transaction, user_id: UUID, name: str) -> int:
    """Return how many aliases there are beside the one of that name."""
    return await tx.value(SQL["alias_count"], user_id=user_id, name=name)


async def put_alias(
    tx: Transaction, user_id: UUID, name: str, model: str, fallbacks: list[str]
) -> None:
    """Store an alias, or replace the one of that name."""
    await tx.execute(
        SQL["alias_put"], user_id=user_id, id=new_id(), name=name, model=model, fallbacks=fallbacks
    )


async def delete_alias(tx: Transaction, user_id: UUID, name: str) -> bool:
    """Delete an alias; False when there is none."""
    return await tx.execute(SQL["alias_delete"], user_id=user_id, name=name) > 0


async def key_limit(tx: Transaction, user_id: UUID, key_id: UUID) -> int | None:
    """Return how many requests a minute an API key may send, None for any number."""
    return await tx.value(SQL["key_limit"], user_id=user_id, key_id=key_id)

"""Adds what an archive of everything has beside runs and prompts; nothing that is there changes."""

from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.exports.records import (
    AliasRecord,
    BudgetRecord,
    ModelRecord,
    ProviderRecord,
    RulesRecord,
)

SQL = queries.load(__package__ or "", "restoring.sql")

Belonging = ProviderRecord | AliasRecord | ModelRecord | BudgetRecord | RulesRecord

QUERIES: dict[type[Belonging], str] = {
    ProviderRecord: "provider_add",
    AliasRecord: "alias_add",
    ModelRecord: "model_add",
    BudgetRecord: "budget_add",
    RulesRecord: "rules_set",
}


async def add(tx: Transaction, user_id: UUID, record: Belonging) -> bool:
    """Add a record; False when there is one of its id or its name, or other rules.

    Raises psycopg's errors, such as for the budget of a key or a prompt that is not there.
    """
    query = SQL[QUERIES[type(record)]]
    row = msgspec.json.encode(record).decode()
    return bool(await tx.execute(query, user_id=user_id, row=row))

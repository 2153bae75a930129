"""The archive of everything: what a user has beside runs, as rows for records of the archive.

No secret is in it: neither keys of providers, nor API keys, nor passwords or sessions. What is
computed from the rest (usage, the search's index) is computed anew where it is imported.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal
from uuid import UUID

from airuns.server.db import queries
from airuns.server.exports.reading import Reader

SQL = queries.load(__package__ or "", "everything.sql")

Kind = Literal["provider", "alias", "model", "prompt", "version", "budget", "rules"]


async def owner(reader: Reader) -> dict[str, str]:
    """Return whose archive it is: `username` and `display_name`."""
    [row] = await reader.own(SQL["owner"])
    return row


async def before_runs(reader: Reader) -> AsyncIterator[tuple[Kind, dict[str, Any]]]:
    """Yield what runs and budgets name, each prompt followed by its versions, then the budgets."""
    for row in await reader.own(SQL["providers"]):
        yield "provider", row
    for row in await reader.own(SQL["aliases"]):
        yield "alias", row
    for row in await reader.own(SQL["models"]):
        yield "model", row
    after = UUID(int=0)
    while page := await reader.own(SQL["prompts"], after=after):
        for prompt in page:
            yield "prompt", prompt
            async for version in reader.versions(prompt["id"]):
                yield "version", version
        after = page[-1]["id"]
    for row in await reader.own(SQL["budgets"]):
        yield "budget", row


async def after_runs(reader: Reader) -> AsyncIterator[tuple[Kind, dict[str, Any]]]:
    """Yield the rules for old runs: an import sets them when all runs have come."""
    for row in await reader.own(SQL["rules"]):
        yield "rules", row

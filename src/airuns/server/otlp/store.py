"""What is asked of the database: which task asked for a tool."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import As, Database

SQL = queries.load(__package__ or "")


class AskedFor(msgspec.Struct, frozen=True):
    """A task whose answer asks for tools: `calls`, in the shape of OpenAI's messages."""

    run_id: UUID
    task_id: UUID
    calls: list[dict[str, Any]]


async def tools_asked_for(db: Database, who: As, run_ids: Sequence[UUID]) -> list[AskedFor]:
    """Return the newest tasks of some runs that ask for tools, newest first in each run.

    Raises Unavailable.
    """
    async with db.transaction(who) as tx:
        return await tx.all(
            AskedFor, SQL["tools_asked_for"], user_id=who.user_id, run_ids=list(run_ids)
        )

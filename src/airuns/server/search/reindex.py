"""Makes the index of a user anew: queues a page of texts, has it indexed, and goes on."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from airuns.server.db.door import SERVICE, Database
from airuns.server.search.indexer import index_batch
from airuns.server.search.walk import SQL

PAGE = 2000
PAUSE_SECONDS = 0.05


async def users(db: Database, username: str | None) -> list[UUID]:
    """Return the user of a name, if there is one; without a name everybody."""
    async with db.transaction(SERVICE) as tx:
        rows = await tx.rows(SQL["users_named"], username=username)
    return [row["id"] for row in rows]


async def reindex(db: Database, user_id: UUID, say: Callable[[int], None]) -> int:
    """Index all texts of a user, in the order of their ids; return how many there were.

    `say` hears how many are done.
    """
    done = 0
    for query in ("enqueue_runs", "enqueue_messages"):
        after = UUID(int=0)
        while True:
            async with db.transaction(SERVICE) as tx:
                rows = await tx.rows(SQL[query], user_id=user_id, after=after, limit=PAGE)
            if not rows:
                break
            after = rows[-1]["id"]
            await _drain(db, user_id)
            done += len(rows)
            say(done)
    return done


async def _drain(db: Database, user_id: UUID) -> None:
    """Index what waits of a user, here or in a server that is quicker."""
    while True:
        if await index_batch(db, user_id, PAGE):
            continue
        async with db.transaction(SERVICE) as tx:
            if not await tx.value(SQL["is_waiting"], user_id=user_id):
                return
        await asyncio.sleep(PAUSE_SECONDS)

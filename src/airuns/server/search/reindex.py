"""Makes the index of a user anew, a page of texts after the other, beside servers that index."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from airuns.server.db.door import SERVICE, Database
from airuns.server.search.indexer import index_page
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
    for query in ("page_of_runs", "page_of_messages"):
        after = UUID(int=0)
        while page := await _page(db, user_id, query, after):
            after = page[-1]["id"]
            done += len(page)
            say(done)
    return done


async def _page(db: Database, user_id: UUID, query: str, after: UUID) -> list[dict[str, Any]]:
    """Index the page of texts after an id, once no server works for the user; return its rows."""
    while True:
        page = await index_page(db, user_id, query, after, PAGE)
        if page is not None:
            return page
        await asyncio.sleep(PAUSE_SECONDS)

"""The embedder's work: has what the text index has embedded too, a batch at a time.

What lacks is found by comparing the two, bucket by bucket, so nothing that dies, fails or is
switched off for a while leaves a message without its meaning for good. No transaction is open while
the model works.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from airuns.server.db.door import SERVICE, Database
from airuns.server.models.call import ProviderError
from airuns.server.search.meaning_near import SQL
from airuns.server.search.meaning_texts import parts

log = logging.getLogger(__name__)

BATCH = 32
LARGEST_CALL = 64
BUCKETS = 100
LEASE_SECONDS = 120
NOT_THE_TEXT = (401, 403, 404, 408, 429)

Vectors = Callable[[list[str]], Awaitable[list[list[float]]]]
"""Gives each text a vector. Raises ProviderError."""


class Bucket(msgspec.Struct, frozen=True):
    """A bucket in which something may lack its meaning, as it is now."""

    user_id: UUID
    bucket: int
    documents: int
    last_at: datetime


class _Message(msgspec.Struct, frozen=True):
    run_id: UUID
    message_id: UUID
    at: datetime
    role: str | None
    content: str | None


async def due(db: Database) -> list[Bucket]:
    """Return buckets in which something may lack its meaning, at most BUCKETS."""
    async with db.transaction(SERVICE) as tx:
        return await tx.all(Bucket, SQL["buckets_due"], limit=BUCKETS)


async def waiting(db: Database) -> int:
    """Return about how many texts of all users lack their meaning."""
    async with db.transaction(SERVICE) as tx:
        return await tx.value(SQL["waiting"])


async def fill(db: Database, model: str, vectors: Vectors) -> int:
    """Embed a batch of each bucket that is due; return how many messages that were.

    Raises ProviderError when the model cannot be had.
    """
    done = 0
    for bucket in await due(db):
        try:
            done += await _fill(db, bucket, model, vectors)
        except psycopg.IntegrityError:  # a run was purged just now; the next pass is without it
            log.info("A run of user %s went while it was embedded", bucket.user_id)
    return done


async def _fill(db: Database, bucket: Bucket, model: str, vectors: Vectors) -> int:
    key: dict[str, Any] = {"user_id": bucket.user_id, "bucket": bucket.bucket}
    async with db.transaction(SERVICE) as tx:
        if not await tx.execute(SQL["bucket_lease"], seconds=LEASE_SECONDS, **key):
            return 0
        messages = await tx.all(_Message, SQL["texts_due"], limit=BATCH, **key)
    is_done = False
    try:
        rows = await _rows(messages, vectors)
        async with db.transaction(SERVICE) as tx, tx.batch():
            for row in rows:
                await tx.execute(SQL["meaning_add"], model=model, user_id=bucket.user_id, **row)
        is_done = len(messages) < BATCH
    finally:
        async with db.transaction(SERVICE) as tx:
            await tx.execute(
                SQL["bucket_leave"],
                documents=bucket.documents if is_done else None,
                last_at=bucket.last_at if is_done else None,
                **key,
            )
    return len(messages)


async def _rows(messages: list[_Message], vectors: Vectors) -> list[dict[str, Any]]:
    """Return the rows of messages, one for each part; without vector where there is none."""
    cut = [(each, parts(each.role, each.content)) for each in messages]
    texts = [part for _, its_parts in cut for part in its_parts]
    embedded = iter(await _embedded(texts, vectors))
    return [
        {
            "run_id": each.run_id,
            "message_id": each.message_id,
            "at": each.at,
            "part": number,
            "embedding": next(embedded) if its_parts else None,
        }
        for each, its_parts in cut
        for number in range(max(len(its_parts), 1))
    ]


async def _embedded(texts: list[str], vectors: Vectors) -> list[list[float] | None]:
    found: list[list[float] | None] = []
    for begin in range(0, len(texts), LARGEST_CALL):
        some = texts[begin : begin + LARGEST_CALL]
        try:
            found += await vectors(some)
        except ProviderError as error:
            if error.status is None or error.status in NOT_THE_TEXT:
                raise
            found += [await _alone(text, vectors) for text in some]
    return found


async def _alone(text: str, vectors: Vectors) -> list[float] | None:
    """Return the vector of a text, or of its beginning; None when the model refuses both.

    It is the text's fault if the model takes another one: llama.cpp has status 500 for what is too
    long. Raises ProviderError when it takes none.
    """
    for tried in (text, text[: len(text) // 4]):
        try:
            return (await vectors([tried]))[0]
        except ProviderError as error:
            if error.status is None or error.status in NOT_THE_TEXT:
                raise
    await vectors(["Hello"])
    log.warning("The embedding model refuses a text; it is found by its words alone")
    return None

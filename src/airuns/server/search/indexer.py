"""The indexer: makes the words of what was written, behind the writing.

Writers leave a row in a queue. One loop of each server process takes a user who has some waiting
and whom no other process works for, reads the texts, and in one transaction adds their documents
and drops the rows: what dies half-way changes nothing and is done again.
"""

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from airuns.errors import Unavailable
from airuns.server.db.door import SERVICE, Database, Transaction
from airuns.server.metrics import Metric
from airuns.server.search import prefixes, words
from airuns.server.search.hits import NOBODY
from airuns.server.search.walk import SQL

log = logging.getLogger(__name__)

BATCH = 200
BUCKET = 8192
POLL_SECONDS = 1.0
LONGEST_PAUSE = 5.0
BUSY_PAUSES = 20.0  # how many times as long as a batch takes, beside a process that is busy


class Waiting(msgspec.Struct, frozen=True):
    """A user whose texts wait, and since when the oldest does."""

    user_id: UUID
    added_at: datetime


class _Document(msgspec.Struct, frozen=True):
    run_id: UUID
    message_id: UUID
    at: datetime
    text: str
    role: str | None

    def vectors(self, prefix: str) -> list[str]:
        """Return its tsvectors. The words of a run weigh most; a role is one more word."""
        if self.role is None:
            return words.vectors(self.text, prefix, "A")
        return [f"{each} {prefix}={self.role}" for each in words.vectors(self.text, prefix)]


class _Bucket(msgspec.Struct, frozen=True):
    bucket: int
    has_names: bool
    prefix: str
    documents: int


class Indexer:
    """The loop of one process."""

    def __init__(self, db: Database) -> None:
        self.indexed = 0
        self._db = db
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop between two batches, or in one, which is then undone."""
        if self._loop:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    def wake(self) -> None:
        """Say that something was written."""
        self._woken.set()

    async def metrics(self) -> list[Metric]:
        """Return how far the index is behind, over all users, and what this process has done."""
        behind = await waiting(self._db)
        oldest = min((each.added_at for each in behind), default=None)
        lag = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        return [
            Metric(
                "airuns_search_waiting", "Texts not indexed yet.", await waiting_count(self._db)
            ),
            Metric("airuns_search_lag_seconds", "Age of the oldest of them.", max(lag, 0.0)),
            Metric(
                "airuns_search_indexed_total",
                "Texts that this process has indexed.",
                self.indexed,
                "counter",
            ),
        ]

    async def _run(self) -> None:
        """Work while something waits, at most half of the time; it outlives what goes wrong.

        The busier the process is with other work, the less: what comes in is not to wait for it.
        """
        busy = 0.0
        while True:
            began = time.monotonic()
            try:
                done = await index_waiting(self._db)
            except Unavailable as error:
                log.warning("The index waits: %s", error.detail)
                done = 0
            except Exception:
                log.exception("Indexing failed; trying again")
                done = 0
            self.indexed += done
            if done:
                took = time.monotonic() - began
                busy = await _rest(min(took * (1 + BUSY_PAUSES * busy), LONGEST_PAUSE))
                continue
            busy = 0.0
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)


async def _rest(seconds: float) -> float:
    """Sleep; return which part of a processor the process has used meanwhile, at most 1."""
    began, used = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    return min((time.process_time() - used) / (time.monotonic() - began), 1.0)


async def waiting(db: Database) -> list[Waiting]:
    """Return users whose texts wait, at most 1000, those who wait longest first."""
    async with db.transaction(SERVICE) as tx:
        return await tx.all(Waiting, SQL["waiting_users"])


async def waiting_count(db: Database) -> int:
    """Return how many texts of all users wait, at most 100,000."""
    async with db.transaction(SERVICE) as tx:
        return await tx.value(SQL["waiting_count"])


async def index_waiting(db: Database) -> int:
    """Index a batch of each user who has something waiting; return how many texts that were."""
    done = 0
    for each in await waiting(db):
        try:
            done += await index_batch(db, each.user_id, BATCH)
        except psycopg.Error:  # such as a run that was purged just now; others need not wait
            log.exception("The texts of user %s could not be indexed; trying again", each.user_id)
    return done


async def index_batch(db: Database, user_id: UUID, limit: int) -> int:
    """Index a batch of a user's waiting texts; return how many rows of the queue are done.

    That is none when another process works for the user at this moment. What was queued for
    somebody who is no more is dropped.
    """
    async with db.transaction(SERVICE) as tx:
        if not await _is_free(tx, user_id):
            return 0
        taken = await tx.rows(SQL["queue_take"], user_id=user_id, limit=limit)
        if taken:
            await _index(tx, user_id, taken)
    return len(taken)


async def index_page(
    db: Database, user_id: UUID, query: str, after: UUID, limit: int
) -> list[dict[str, Any]] | None:
    """Index the texts after an id that a query names; return its rows.

    None when another process works for the user at this moment.
    """
    async with db.transaction(SERVICE) as tx:
        if not await _is_free(tx, user_id):
            return None
        page = await tx.rows(SQL[query], user_id=user_id, after=after, limit=limit)
        if page:
            await _index(tx, user_id, page)
    return page


async def _is_free(tx: Transaction, user_id: UUID) -> bool:
    """Hold the user for this transaction; False when another indexer does."""
    return await _lock(tx, user_id) or not await tx.value(SQL["user_exists"], user_id=user_id)


async def _lock(tx: Transaction, user_id: UUID) -> bool:
    """Hold the user for this transaction; False when another indexer does, or there is none."""
    first = await tx.value(SQL["bucket_lock"], user_id=user_id)
    if first is None:
        await _add_bucket(tx, user_id, 0, has_names=False)
        first = await tx.value(SQL["bucket_lock"], user_id=user_id)
    return first is not None


async def _add_bucket(tx: Transaction, user_id: UUID, bucket: int, *, has_names: bool) -> _Bucket:
    made = _Bucket(bucket, has_names, prefixes.prefix_of_bucket(user_id, bucket), 0)
    await tx.execute(SQL["bucket_add"], user_id=user_id, **msgspec.structs.asdict(made))
    return made


async def _index(tx: Transaction, user_id: UUID, taken: list[dict[str, Any]]) -> None:
    documents = await _read(tx, user_id, taken)
    dropped = await tx.rows(
        SQL["documents_drop"],
        user_id=user_id,
        run_ids=[row["run_id"] for row in taken],
        message_ids=[row["message_id"] or NOBODY for row in taken],
    )
    counts = Counter({row["bucket"]: 0 for row in dropped})
    counts.subtract(row["bucket"] for row in dropped)
    last_at: dict[int, datetime] = {}
    rows: list[tuple[Any, ...]] = []
    for has_names in (False, True):
        chosen = [each for each in documents if (each.role is None) == has_names]
        if not chosen:
            continue
        bucket = await _newest(tx, user_id, has_names=has_names)
        made = await asyncio.to_thread(_rows, chosen, bucket)
        rows += made
        counts[bucket.bucket] += len(made)
        last_at[bucket.bucket] = max(each.at for each in chosen)
    await _save(tx, user_id, rows, counts, last_at)


async def _read(tx: Transaction, user_id: UUID, taken: list[dict[str, Any]]) -> list[_Document]:
    """Return what is there now of what was queued, once each."""
    message_ids = list({row["message_id"] for row in taken if row["message_id"]})
    run_ids = list({row["run_id"] for row in taken if not row["message_id"]})
    messages = await tx.rows(SQL["texts_of_messages"], user_id=user_id, message_ids=message_ids)
    runs = await tx.rows(SQL["texts_of_runs"], user_id=user_id, run_ids=run_ids)
    own = (_Document(row["run_id"], NOBODY, row["at"], _own_words(row), None) for row in runs)
    said = (
        _Document(row["run_id"], row["message_id"], row["at"], row["content"], row["role"])
        for row in messages
    )
    return sorted([*own, *said], key=lambda each: each.at)


def _own_words(row: dict[str, Any]) -> str:
    return "\n".join([row["name"], *row["tags"], row["description"]])


async def _newest(tx: Transaction, user_id: UUID, *, has_names: bool) -> _Bucket:
    """Return the bucket that has room for a user's new documents of a kind."""
    found = await tx.all(_Bucket, SQL["buckets_newest"], user_id=user_id)
    room = [each for each in found if each.has_names == has_names and each.documents < BUCKET]
    if room:
        return room[0]
    for full in (each for each in found if each.has_names == has_names):
        await _close(tx, user_id, full)
    following = max(each.bucket for each in found) + 1
    return await _add_bucket(tx, user_id, following, has_names=has_names)


async def _close(tx: Transaction, user_id: UUID, full: _Bucket) -> None:
    """Note which words a full bucket has. It gets no more, so that stays true."""
    await tx.execute(
        SQL["vocabulary_add"],
        user_id=user_id,
        bucket=full.bucket,
        prefix=prefixes.prefix_of(user_id),
        after=len(full.prefix) + 1,
    )
    await tx.execute(SQL["bucket_close"], user_id=user_id, bucket=full.bucket)
    await tx.execute(SQL["vocabularies_drop"], user_id=user_id)


def _rows(documents: list[_Document], bucket: _Bucket) -> list[tuple[Any, ...]]:
    return [
        (each.run_id, each.message_id, part, bucket.bucket, each.at, vector)
        for each in documents
        for part, vector in enumerate(each.vectors(bucket.prefix))
    ]


async def _save(
    tx: Transaction,
    user_id: UUID,
    rows: list[tuple[Any, ...]],
    counts: Counter[int],
    last_at: dict[int, datetime],
) -> None:
    names = ("run_ids", "message_ids", "parts", "buckets", "ats", "words")
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    async with tx.batch():
        await tx.execute(SQL["documents_add"], user_id=user_id, **columns)
        await tx.execute(
            SQL["buckets_fill"],
            user_id=user_id,
            buckets=list(counts),
            counts=list(counts.values()),
            last_ats=[last_at.get(bucket) for bucket in counts],
        )
        await tx.execute(SQL["sort_in"])

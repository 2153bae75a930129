"""Fills a database with a seeded store, by COPY past triggers and row level security.

Runs are loaded in chunks, each in a transaction of its own; a chunk that is there is left out, so
the same call goes on where an earlier one was stopped.
"""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, LiteralString, cast
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection

from airuns.dev.catalog import MODELS, prompts, uuid7
from airuns.dev.conversations import COLUMNS, Author, Conversation, Rows
from airuns.dev.shape import Calendar, Lengths, Options, shares
from airuns.dev.words import Texts
from airuns.errors import StartError
from airuns.server.db import queries
from airuns.server.ids import new_id

SQL = queries.load(__package__ or "")
CHUNK = 5_000
KEYS = ("laptop", "nightly job")
MESSAGES_A_TURN = 2.05
"""A question and its answer, and now and then another version of either."""
VARIABLES = '[{"name": "topic", "default": "anything", "required": false, "description": ""}]'

Say = Callable[[str], None]


class Chunk(msgspec.Struct, frozen=True):
    """Some runs of the user of a rank: the runs `first` to `last` (not included) of `count`."""

    rank: int
    author: Author
    first: int
    last: int
    count: int


class Generator:
    """Makes the rows of chunks; equal options make equal rows."""

    def __init__(self, options: Options) -> None:
        self._seed = options.seed
        self._texts = Texts(options.seed)
        self._lengths = Lengths((options.messages - 0.5) / MESSAGES_A_TURN)
        self._calendar = Calendar(options.until, options.days)
        self._until_ms = int(options.until.timestamp() * 1000)
        self.first_ms = self._calendar.at(0)

    def author(self, rank: int, user_id: UUID, runs: int) -> Author:
        """Return a user with prompts and models to use."""
        rng = random.Random(f"author {self._seed} {rank}")  # noqa: S311
        return Author(
            user_id=user_id,
            prompts=prompts(rng, 3 + min(200, runs // 100), self._texts.english, self.first_ms),
            key_ids=[UUID(uuid7(rng, self.first_ms)) for _ in KEYS],
            model_ids={each.full_name: UUID(uuid7(rng, self.first_ms)) for each in MODELS},
        )

    def run_id(self, chunk: Chunk) -> UUID:
        """Return the id of a chunk's first run."""
        return UUID(self._begin(self._rng(chunk), chunk, chunk.first, Rows()).id)

    def rows(self, chunk: Chunk) -> Rows:
        """Return the rows of a chunk's runs."""
        rng, rows = self._rng(chunk), Rows()
        for number in range(chunk.first, chunk.last):
            run = self._begin(rng, chunk, number, rows)
            run.hold(number, self._lengths.draw(rng))
        return rows

    def _rng(self, chunk: Chunk) -> random.Random:
        return random.Random(f"chunk {self._seed} {chunk.rank} {chunk.first}")  # noqa: S311

    def _begin(self, rng: random.Random, chunk: Chunk, number: int, rows: Rows) -> Conversation:
        share = (number + rng.random()) / chunk.count
        at_ms = self._calendar.at(share)
        until_ms = self._until_ms
        return Conversation(
            rng, chunk.author, self._texts, rows, at_ms=at_ms, until_ms=until_ms, share=share
        )


def seed(url: str, options: Options, user_ids: list[UUID], say: Say) -> int:
    """Give each of the users a share of the runs; return how many were added.

    `url` is a superuser's; raises StartError when it is not.
    """
    generator = Generator(options)
    began, added = time.monotonic(), 0
    with _past_triggers(url) as root, _past_triggers(url) as copier, ThreadPoolExecutor(1) as pool:
        copying = pool.submit(int)
        for chunk in _chunks(root, generator, options, user_ids):
            rows = generator.rows(chunk)
            added += copying.result()
            if added:
                say(f"{added:,} runs, {added / (time.monotonic() - began):,.0f} a second")
            copying = pool.submit(_copy, copier, rows)
        added += copying.result()
    return added


def owner_name(url: str) -> str:
    """Return the owner's name, `owner` when there is nobody yet."""
    with psycopg.connect(url) as root:
        found = root.execute(_sql("owner_name")).fetchone()
    return found[0] if found else "owner"


def ensure_users(url: str, names: list[str]) -> list[UUID]:
    """Return the ids of users, who are made where there are none of these names."""
    with psycopg.connect(url, autocommit=True) as root:
        for name in names:
            root.execute(_sql("user_add"), {"id": new_id(), "username": name})
        rows = root.execute(_sql("users_named"), {"names": names}).fetchall()
    return [row[0] for row in rows]


def tidy(url: str) -> None:
    """Tell the planner what is there now, and mark what all can see."""
    with psycopg.connect(url, autocommit=True) as root:
        root.execute("vacuum analyze")


def _past_triggers(url: str) -> Connection[Any]:
    root = psycopg.connect(url, autocommit=True, application_name="airuns dev seed")
    try:
        root.execute("set session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        root.close()
        raise StartError(
            "Seeding goes past triggers and row level security, so it needs a superuser: use the "
            "embedded database, or put a superuser into AIRUNS_DATABASE_URL for this command."
        ) from None
    root.execute("set synchronous_commit = off")
    return root


def _chunks(
    root: Connection[Any], generator: Generator, options: Options, user_ids: list[UUID]
) -> Iterator[Chunk]:
    """Yield the chunks that are not there yet; prompts and models come before the first."""
    for rank, count in enumerate(shares(options.runs, options.users)):
        author = generator.author(rank, user_ids[rank], count)
        _put_author(root, author, generator.first_ms)
        for first in range(0, count, CHUNK):
            chunk = Chunk(rank, author, first, min(first + CHUNK, count), count)
            key = {"user_id": author.user_id, "run_id": generator.run_id(chunk)}
            if root.execute(_sql("run_is_there"), key).fetchone() is None:
                yield chunk


def _put_author(root: Connection[Any], author: Author, first_ms: int) -> None:
    at = datetime.fromtimestamp(first_ms / 1000, UTC)
    for full_name, model_id in author.model_ids.items():
        provider, _, name = full_name.partition("/")
        values = {"id": model_id, "provider": provider, "name": name}
        root.execute(_sql("model_add"), {"user_id": author.user_id, **values})
    for name, key_id in zip(KEYS, author.key_ids, strict=True):
        values = {"id": key_id, "name": name, "key_hash": secrets.token_bytes(32)}
        root.execute(_sql("key_add"), {"user_id": author.user_id, "at": at, **values})
    for prompt in author.prompts:
        key = {"user_id": author.user_id, "id": prompt.id, "at": at}
        values = {"name": prompt.name, "version": len(prompt.versions)}
        root.execute(_sql("prompt_add"), {**key, **values})
        for number, said in enumerate(prompt.versions, 1):
            messages = [{"role": "system", "content": said}]
            values = {"version": number, "messages": msgspec.json.encode(messages).decode()}
            root.execute(_sql("version_add"), {**key, **values, "variables": VARIABLES})


def _copy(copier: Connection[Any], rows: Rows) -> int:
    """Load a chunk, all of it or nothing; return how many runs it has."""
    with copier.transaction():
        for table, columns in COLUMNS.items():
            statement = f"copy airuns.{table} ({columns}) from stdin"
            with copier.cursor().copy(cast("LiteralString", statement)) as copy:
                copy.write(rows.data(table))
    return len(rows.lines["ai_runs"])


def _sql(name: str) -> LiteralString:
    return cast("LiteralString", SQL[name])

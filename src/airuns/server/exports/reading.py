"""Reads what an export has: each page in a transaction of its own, none of them a whole run."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from airuns.errors import NotFound
from airuns.server.attachments import store as attachments
from airuns.server.db import queries
from airuns.server.db.door import As, Database
from airuns.server.exports.keys import Key, pages, unpack
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter
from airuns.server.runs.records import RunRow

SQL = queries.load(__package__ or "")

LIST_PAGE = 100
VERSIONS_PAGE = 20
GROUP_ROWS = 20_000
SLICE = 768 * 1024  # a multiple of 3, so that pieces of base64 fit together

Branches = Literal["current", "all"]


class Everything(msgspec.Struct, frozen=True):
    """All runs of a user, archived and deleted ones too, and in an archive what else there is."""

    filters: ClassVar[tuple[RunFilter, ...]] = (RunFilter(), RunFilter(deleted=True))


Which = RunFilter | list[UUID] | Everything


class Done(msgspec.Struct, frozen=True):
    """Said between the bytes of an export: a run is in it, or had to be left out."""

    run: RunRow
    left_out: bool = False


Piece = bytes | Done


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message; `data` and `metadata` are JSON as it is stored."""

    id: UUID
    run_id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: str
    data: str | None
    chain_hash: str
    task_id: UUID | None
    metadata: str
    created_at: Any


class Rows:
    """Rows of several runs in the order of their keys, read ahead by a page.

    What has been purged since its key was read is left out.
    """

    def __init__(self, reader: "Reader", query: str, keys: list[Key], column: str = "id") -> None:
        self._keys = keys
        self._pages = pages(keys)
        self._reader = reader
        self._query = query
        self._column = column
        self._at = 0
        self._left = 0
        self._page: dict[UUID, dict[str, Any]] = {}

    async def of_run(self, number: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of a run, by its place in the list; runs are asked for in order."""
        while self._at < len(self._keys) and self._keys[self._at].run == number:
            if not self._left:
                ids = next(self._pages)
                rows = await self._reader.rows(self._query, ids)
                self._page = {row[self._column]: row for row in rows}
                self._left = len(ids)
            row = self._page.pop(UUID(bytes=self._keys[self._at].id), None)
            self._at += 1
            self._left -= 1
            if row is not None:
                yield row


class Reader:
    """Reads runs of a user: those of a list of ids, or all that a filter matches, oldest first.

    Of everything the deleted ones come last.
    """

    def __init__(self, db: Database, who: As, which: Which) -> None:
        self._db = db
        self._who = who
        self._which = which

    @property
    def is_everything(self) -> bool:
        """Whether an archive also has what a user has beside runs."""
        return isinstance(self._which, Everything)

    @property
    def _filters(self) -> tuple[RunFilter, ...]:
        if isinstance(self._which, list):
            return ()
        return (self._which,) if isinstance(self._which, RunFilter) else self._which.filters

    async def count(self) -> int:
        """Return how many runs there are. Raises NotFound for an id that is no run's."""
        async with self._db.transaction(self._who) as tx:
            if not isinstance(self._which, list):
                user_id = self._who.user_id
                return sum([(await lists.totals(tx, user_id, each)).runs for each in self._filters])
            rows = await tx.rows(SQL["runs_there"], user_id=self._who.user_id, ids=self._which)
        there = {row["id"] for row in rows}
        for run_id in self._which:
            if run_id not in there:
                raise NotFound(f"There is no run {run_id}.", field="run_id")
        return len(there)

    async def first_name(self) -> str | None:
        """Return the name of the first run."""
        async for page in self._lists():
            return page[0].name if page else None
        return None

    async def groups(self) -> AsyncIterator[list[RunRow]]:
        """Yield the runs, few enough at a time that the keys of all that they hold are little."""
        async for page in self._lists():
            group: list[RunRow] = []
            weight = 0
            for row in page:
                heavy = row.message_count + row.task_count
                if group and weight + heavy > GROUP_ROWS:
                    yield group
                    group, weight = [], 0
                group.append(row)
                weight += heavy
            if group:
                yield group

    async def _lists(self) -> AsyncIterator[list[RunRow]]:
        user_id = self._who.user_id
        if isinstance(self._which, list):
            ids = list(dict.fromkeys(self._which))
            for start in range(0, len(ids), LIST_PAGE):
                async with self._db.transaction(self._who) as tx:
                    rows = await tx.all(
                        RunRow,
                        SQL["runs_rows"],
                        user_id=user_id,
                        ids=ids[start : start + LIST_PAGE],
                    )
                yield rows
        for which in self._filters:
            cursor: str | None = None
            is_last = False
            while not is_last:
                async with self._db.transaction(self._who) as tx:
                    page = await lists.runs(tx, user_id, which, "oldest", cursor, LIST_PAGE)
                yield page.items
                cursor = page.next_cursor
                is_last = cursor is None

    async def keys(self, query: str, ids: Sequence[UUID]) -> list[Key]:
        """Return the keys of what runs hold: `line_keys`, `tree_keys` or `task_keys`."""
        async with self._db.transaction(self._who) as tx:
            packed = await tx.value(SQL[query], user_id=self._who.user_id, ids=list(ids))
        return list(unpack(packed))

    async def rows(self, query: str, ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """Return rows by ids, in their order."""
        async with self._db.transaction(self._who) as tx:
            return await tx.rows(SQL[query], user_id=self._who.user_id, ids=list(ids))

    async def own(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Return rows of the user whose runs are read."""
        async with self._db.transaction(self._who) as tx:
            return await tx.rows(query, user_id=self._who.user_id, **params)

    async def messages(self, keys: Sequence[Key]) -> AsyncIterator[MessageRow]:
        """Yield the messages of keys, a page at a time."""
        for ids in pages(keys):
            async with self._db.transaction(self._who) as tx:
                page = await tx.all(
                    MessageRow, SQL["message_records"], user_id=self._who.user_id, ids=ids
                )
            for message in page:
                yield message

    async def heads(self, runs: Sequence[RunRow]) -> dict[UUID, UUID | None]:
        """Return the end of the current line of each run."""
        rows = await self.rows("run_heads", [run.id for run in runs])
        ends: dict[UUID, UUID | None] = {run.id: None for run in runs}
        return ends | {row["id"]: row["head_message_id"] for row in rows}

    async def expanded(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message with what is in the files that it names. Raises NotFound."""
        async with self._db.transaction(self._who) as tx:
            [found] = await attachments.expanded(tx, self._who.user_id, [message])
        return found

    async def versions(self, prompt_id: UUID) -> AsyncIterator[dict[str, Any]]:
        """Yield the versions of a prompt, oldest first."""
        after = 0
        while True:
            async with self._db.transaction(self._who) as tx:
                page = await tx.rows(
                    SQL["version_records"],
                    user_id=self._who.user_id,
                    prompt_id=prompt_id,
                    after=after,
                    limit=VERSIONS_PAGE,
                )
            for row in page:
                yield row
            if len(page) < VERSIONS_PAGE:
                return
            after = page[-1]["version"]

    async def content(self, attachment_id: UUID, size: int) -> AsyncIterator[bytes]:
        """Yield what is in an attachment, a slice at a time."""
        for start in range(0, size, SLICE):
            async with self._db.transaction(self._who) as tx:
                piece = await tx.value(
                    SQL["attachment_slice"],
                    user_id=self._who.user_id,
                    id=attachment_id,
                    start=start + 1,
                    length=SLICE,
                )
            if piece is None:
                raise NotFound(f"The attachment {attachment_id} was removed meanwhile.")
            yield piece

"""Stores conversations of other products: new ones, and what is new in those that have grown.

Many that are new come in one transaction. When one of them cannot be stored, each of them comes in
its own, so that a conversation comes whole or not at all, and the others come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import psycopg

from airuns.errors import InvalidInput
from airuns.server.db.door import RETRIED, As, Database, Transaction, retried
from airuns.server.exports.checking import check_file
from airuns.server.exports.foreign.shaping import Shaped, preview_of
from airuns.server.exports.importing import said
from airuns.server.exports.records import MessageRecord, value
from airuns.server.exports.report import Report
from airuns.server.exports.storing import SQL, Storing
from airuns.server.runs.records import Node
from airuns.server.runs.rules import Turn, chain_hash

BATCH_ROWS = 500

T = TypeVar("T")


class Place(msgspec.Struct, frozen=True):
    """A conversation as records, and where it is in the file."""

    shaped: Shaped
    place: str


class _Held(msgspec.Struct, frozen=True):
    head_message_id: UUID | None
    preview: str
    last_message_at: datetime
    head_at: datetime | None


class Arrivals:
    """Stores conversations for one user and tells the report."""

    def __init__(self, db: Database, who: As, report: Report, most_attachment: int) -> None:
        self._db = db
        self._who = who
        self._report = report
        self._most = most_attachment

    async def take(self, places: Sequence[Place]) -> None:
        """Store conversations of which some may be there; the file may name one twice."""
        by_id = {each.shaped.run.id: each for each in places}
        async with self._db.transaction(self._who) as tx:
            rows = await tx.rows(
                SQL["there"], user_id=self._who.user_id, run_ids=list(by_id), prompt_ids=[]
            )
            there = {row["id"] for row in rows}
            deleted = {row["id"] for row in rows if row["is_deleted"]}
            known = [by_id[run_id] for run_id in there - deleted]
            more = await self._more_of(tx, known)
        new = [each for run_id, each in by_id.items() if run_id not in there]
        self._report.know("run", len(places) - len(new) - len(more))
        if new and not await self._tried(new):
            for each in new:
                await self._take_one(each, partial(self._add, [each]))
        for each in more:
            await self._take_one(each, partial(self._grow, each))

    async def _more_of(self, tx: Transaction, known: Sequence[Place]) -> list[Place]:
        """Return those that have messages which are not there yet."""
        ids = [message.id for each in known for message in each.shaped.messages]
        if not ids:
            return []
        rows = await tx.rows(SQL["messages_there"], user_id=self._who.user_id, ids=ids)
        there = {row["id"] for row in rows}
        return [each for each in known if any(one.id not in there for one in each.shaped.messages)]

    async def _tried(self, places: Sequence[Place]) -> bool:
        """Store new conversations at once; False when one of them cannot be stored."""
        try:
            await self._add(places)
        except (InvalidInput, psycopg.errors.IntegrityError, psycopg.errors.DataError, *RETRIED):
            return False
        return True

    async def _take_one(self, place: Place, work: Callable[[], Awaitable[None]]) -> None:
        """Store one conversation, or say why not."""
        run = place.shaped.run
        try:
            await retried(work)()
        except RETRIED:
            reason = "The database was busy with the same rows; import the file again."
        except InvalidInput as error:
            reason = error.detail
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            reason = said(run, error)
        else:
            return
        self._report.refuse("run", run.id, reason, place.place, run.name)

    async def _add(self, places: Sequence[Place]) -> None:
        """Add new conversations in one transaction."""
        runs = [each.shaped.run for each in places]
        async with self._db.transaction(self._who) as tx:
            storing = Storing(tx, self._who.user_id)
            await storing.add_runs(runs)
            for each in places:
                await self._add_files(storing, each.shaped, None)
            added = [(*each.shaped.tasks, *each.shaped.messages) for each in places]
            for rows in _batches([row for each in added for row in each]):
                await storing.add(rows)
            await storing.finish(runs)
        self._report.add(storing.counts)

    async def _add_files(self, storing: Storing, shaped: Shaped, of: set[UUID] | None) -> None:
        """Add the files of a conversation, or those `of` them."""
        for file, read in shaped.files:
            if of is None or file.id in of:
                content = await asyncio.to_thread(read)
                whole = msgspec.structs.replace(file, content=content or b"")
                check_file(whole, self._most)
                await storing.add_file(whole)

    async def _grow(self, place: Place) -> None:
        """Add the messages that are new to a run, as further nodes of its tree.

        The end of the current line moves where the file's is newer.
        """
        shaped, run = place.shaped, place.shaped.run
        of = {"user_id": self._who.user_id, "run_id": run.id}
        async with self._db.transaction(self._who) as tx:
            held = await tx.one(_Held, SQL["run_hold"], **of)
            if held is None:
                return  # deleted meanwhile
            ids = [message.id for message in shaped.messages]
            nodes = {node.id: node for node in await tx.all(Node, SQL["nodes"], **of, ids=ids)}
            known = set(nodes)
            new = [_below(each, nodes) for each in shaped.messages if each.id not in known]
            storing = Storing(tx, self._who.user_id)
            old = _named_by([each for each in shaped.messages if each.id in known])
            await self._add_files(storing, shaped, _named_by(new) - old)
            wrote = {message.task_id for message in new}
            tasks = [each for each in shaped.tasks if each.task_id in wrote]
            for rows in _batches([*tasks, *new]):
                await storing.add(rows)
            await storing.count([run.id])
            head = next(each for each in shaped.messages if each.id == run.head_message_id)
            moves = held.head_at is None or head.created_at > held.head_at
            await tx.execute(
                SQL["run_grow"],
                **of,
                head_message_id=head.id if moves else held.head_message_id,
                preview=preview_of(head.content) if moves else held.preview,
                last_message_at=max(held.last_message_at, run.last_message_at),
            )
        self._report.grow("run")
        self._report.add(storing.counts)


def _batches(rows: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows[start : start + BATCH_ROWS]


def _below(message: MessageRecord, nodes: dict[UUID, Node]) -> MessageRecord:
    """Return a new message below its parent as that is here; put its node beside the others."""
    parent = nodes[message.parent_id] if message.parent_id else None
    data = cast("dict[str, Any] | None", value(message, "data"))
    turn = Turn(message.role, message.content, data)
    found = chain_hash(parent.chain_hash if parent else None, turn)
    nodes[message.id] = Node(message.id, parent.depth + 1 if parent else 0, found)
    return msgspec.structs.replace(message, depth=nodes[message.id].depth, chain_hash=found.hex())


def _named_by(messages: Sequence[MessageRecord]) -> set[UUID]:
    """Return the ids of the files that messages name."""
    named: set[UUID] = set()
    for message in messages:
        if b'"attachment_id"' in bytes(message.data):
            data = cast("dict[str, Any]", value(message, "data"))
            parts = cast("list[dict[str, Any]]", data["content"])
            named |= {UUID(str(part["attachment_id"])) for part in parts if "attachment_id" in part}
    return named

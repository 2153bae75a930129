"""Imports an archive: the same trees, tasks, files and prompts, or a reason for each that is not.

A run comes whole or not at all, in one transaction; what is there stays as it is, so importing a
file twice adds nothing. The file is not trusted: hashes are computed anew, rows belong to whoever
imports, and counts and totals are computed by the database.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

import msgspec
import psycopg

from airuns.errors import InvalidInput, Malformed
from airuns.server.db.door import RETRIED, As, Database, Transaction
from airuns.server.exports import records, restoring
from airuns.server.exports.checking import check_file, checked, node_of
from airuns.server.exports.records import (
    AnyRecord,
    AttachmentRecord,
    BudgetRecord,
    Head,
    MessageRecord,
    PromptRecord,
    RulesRecord,
    RunRecord,
    TaskRecord,
    VersionRecord,
)
from airuns.server.exports.report import Report
from airuns.server.exports.storing import SQL, Storing, kind_of
from airuns.server.runs.records import Node

BATCH_ROWS = 200
BATCH_BYTES = 1024 * 1024


class Refused(Exception):
    """The run or the prompt cannot be imported."""


class Known(Exception):
    """It is there already."""


async def import_archive(
    db: Database, who: As, lines: Iterable[bytes], most_attachment: int, report: Report
) -> None:
    """Import the records of an archive, which come from a file: a transaction waits for them.

    What comes of them is told to `report` as it comes.

    Raises Malformed when the archive is none, or was cut off: what
    came before that is imported.
    """
    source = _Source(lines)
    while (head := await source.head(report)) is not None:
        importer = _Importer(db, who, report, most_attachment)
        await importer.take(head, source.members(head))


class _Source:
    """The records of a file, as heads (a prompt, a run, …) and what belongs to each."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._next: AnyRecord | None = None
        self._passed = 0

    async def head(self, report: Report) -> Head | None:
        """Return the next head; what is left of one that was refused is gone past."""
        while True:
            self._passed += 1
            if self._passed % 100 == 0:
                await asyncio.sleep(0)  # others want to be served too
            record, self._next = self._next, None
            if record is None:
                line = next(self._lines, None)
                if line is None:
                    return None
                try:
                    record = _read(line)
                except Refused as refused:
                    report.refuse("record", None, str(refused))
                    continue
            if isinstance(record, Head):
                return record

    def members(self, head: Head) -> Iterator[AnyRecord]:
        """Yield what belongs to a head. Raises Refused at a record that cannot be read."""
        kinds = (VersionRecord,) if isinstance(head, PromptRecord) else ()
        if isinstance(head, RunRecord):
            kinds = (AttachmentRecord, TaskRecord, MessageRecord)
        for line in self._lines:
            record = _read(line)
            if not isinstance(record, kinds):
                self._next = record
                return
            yield record


def _read(line: bytes) -> AnyRecord:
    try:
        return checked(records.read(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"It cannot be read: {error}"[:500]) from None
    except InvalidInput as error:
        raise Refused(error.detail) from None


class _Importer:
    """Imports one head and what belongs to it."""

    def __init__(self, db: Database, who: As, report: Report, most_attachment: int) -> None:
        self._db = db
        self._who = who
        self._user_id = who.user_id
        self._report = report
        self._most_attachment = most_attachment

    async def take(self, head: Head, members: Iterator[AnyRecord]) -> None:
        """Import it, or take note of why not; what is left of `members` belongs to nothing then."""
        try:
            async with self._db.transaction(self._who) as tx:
                group = _Group(tx, self._user_id, self._most_attachment)
                await group.add(head, members)
        except Known:
            self._report.know(kind_of(head))
        except Malformed:  # the file, and not the record
            raise
        except (Refused, InvalidInput) as error:
            self._refuse(head, str(error))
        except RETRIED:
            self._refuse(head, "The database was busy with the same rows; import the file again.")
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            self._refuse(head, said(head, error))
        else:
            self._report.add(group.counts)

    def _refuse(self, head: Head, reason: str) -> None:
        head_id = None if isinstance(head, RulesRecord) else head.id
        self._report.refuse(kind_of(head), head_id, reason)


def said(head: Head, error: psycopg.Error) -> str:
    """Say why the database refuses a head or what belongs to it."""
    if isinstance(error, psycopg.errors.UniqueViolation):
        return "It has an id that another of your runs or prompts has."
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        if isinstance(head, BudgetRecord):
            return "It is for an API key or a prompt that is not here; API keys are in no archive."
        return "It names a message, a task or a model that is not in it."
    return "It has a value that is out of bounds, or that contradicts another."


class _Group:
    """Adds one head and its members in a transaction, in batches."""

    def __init__(self, tx: Transaction, user_id: UUID, most: int) -> None:
        self._tx = tx
        self._user_id = user_id
        self._storing = Storing(tx, user_id)
        self._most = most
        self._batch: list[TaskRecord | MessageRecord | VersionRecord] = []
        self._bytes = 0

    @property
    def counts(self) -> Counter[str]:
        """What has been added, by kinds."""
        return self._storing.counts

    async def add(self, head: Head, members: Iterator[AnyRecord]) -> None:
        """Add it. Raises Known or Refused, and psycopg's errors."""
        if not isinstance(head, PromptRecord | RunRecord):
            if not await restoring.add(self._tx, self._user_id, head):
                raise Known
            self.counts[kind_of(head)] += 1
            return
        await self._refuse_known(head)
        if isinstance(head, PromptRecord):
            await self._storing.insert("prompt_add", [head])
        else:
            await self._begin_run(head)
        for member in members:
            await self._take(head, member)
        await self._flush(head)
        if isinstance(head, RunRecord):
            await self._storing.finish([head])

    async def _refuse_known(self, head: PromptRecord | RunRecord) -> None:
        is_run = isinstance(head, RunRecord)
        rows = await self._tx.rows(
            SQL["there"],
            user_id=self._user_id,
            run_ids=[head.id] if is_run else [],
            prompt_ids=[] if is_run else [head.id],
        )
        if rows:
            raise Known

    async def _begin_run(self, run: RunRecord) -> None:
        if run.source_type == "prompt":
            prompt = {"user_id": self._user_id, "prompt_id": UUID(run.source_id)}
            held = await self._tx.rows(SQL["prompt_hold"], **prompt)
            if not held:
                raise Refused("Its prompt is neither here nor in the archive.")
            if held[0]["is_deleted"] and run.deleted_at is None:
                raise Refused("Its prompt is deleted: restore that, then import again.")
        await self._storing.add_runs([run])

    async def _take(self, head: PromptRecord | RunRecord, member: AnyRecord) -> None:
        of = member.prompt_id if isinstance(member, VersionRecord) else _run_of(member)
        if of != head.id:
            raise Refused(f"A record of {of} is among its own.")
        if isinstance(member, AttachmentRecord):
            await self._flush(head)
            check_file(member, self._most)
            await self._storing.add_file(member)
            return
        assert isinstance(member, TaskRecord | MessageRecord | VersionRecord)
        self._batch.append(member)
        self._bytes += len(msgspec.json.encode(member))
        if len(self._batch) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            await self._flush(head)

    async def _flush(self, head: PromptRecord | RunRecord) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        rows = [each for each in batch if not isinstance(each, VersionRecord)]
        if rows:
            await self._check(head.id, [each for each in rows if isinstance(each, MessageRecord)])
            await self._storing.add(rows)
        elif batch:
            await self._storing.insert("version_add", batch)

    async def _check(self, run_id: UUID, messages: list[MessageRecord]) -> None:
        """Raise InvalidInput when a message is not what its place and its hash say."""
        mine = {message.id for message in messages}
        above = {message.parent_id for message in messages if message.parent_id} - mine
        found = await self._tx.all(
            Node, SQL["nodes"], user_id=self._user_id, run_id=run_id, ids=list(above)
        )
        nodes = {node.id: node for node in found}
        for message in messages:
            nodes[message.id] = node_of(message, nodes)


def _run_of(member: AnyRecord) -> UUID | None:
    mine = isinstance(member, AttachmentRecord | TaskRecord | MessageRecord)
    return member.run_id if mine else None

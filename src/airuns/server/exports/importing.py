"""Imports an archive: the same trees, tasks, files and prompts, or a reason for each that is not.

A run comes whole or not at all, in one transaction; what is there stays as it is, so importing a
file twice adds nothing. The file is not trusted: hashes are computed anew, rows belong to whoever
imports, and counts and totals are kept by the triggers.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from airuns.errors import InvalidInput, Malformed
from airuns.server.db import queries
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
    Record,
    RulesRecord,
    RunRecord,
    TaskRecord,
    VersionRecord,
)
from airuns.server.exports.report import Report
from airuns.server.runs.records import Node

SQL = queries.load(__package__ or "", "importing.sql")

INTERRUPTED = {"message": "It was still running when it was exported.", "code": "interrupted"}
BATCH_ROWS = 200
BATCH_BYTES = 1024 * 1024


class Refused(Exception):
    """The run or the prompt cannot be imported."""


class Known(Exception):
    """It is there already."""


async def import_archive(
    db: Database, who: As, lines: Iterable[bytes], most_attachment: int
) -> Report:
    """Import the records of an archive, which come from a file: a transaction waits for them.

    Raises Malformed when the archive is none, or was cut off: what
    came before that is imported.
    """
    report = Report(added={}, there={}, refused={}, reasons=[])
    source = _Source(lines)
    while (head := await source.head(report)) is not None:
        importer = _Importer(db, who, report, most_attachment)
        await importer.take(head, source.members(head))
    return report


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
            self._report.know(_kind_of(head))
        except Malformed:  # the file, and not the record
            raise
        except (Refused, InvalidInput) as error:
            self._refuse(head, str(error))
        except RETRIED:
            self._refuse(head, "The database was busy with the same rows; import the file again.")
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            self._refuse(head, _said(head, error))
        else:
            self._report.add(group.counts)

    def _refuse(self, head: Head, reason: str) -> None:
        head_id = None if isinstance(head, RulesRecord) else head.id
        self._report.refuse(_kind_of(head), head_id, reason)


def _kind_of(record: Record) -> str:
    return str(record.__struct_config__.tag)


def _said(head: Head, error: psycopg.Error) -> str:
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
        self.counts: Counter[str] = Counter()
        self._most = most
        self._batch: list[TaskRecord | MessageRecord | VersionRecord] = []
        self._bytes = 0
        self._asked: list[tuple[UUID, UUID | None, Any]] = []

    async def add(self, head: Head, members: Iterator[AnyRecord]) -> None:
        """Add it. Raises Known or Refused, and psycopg's errors."""
        if not isinstance(head, PromptRecord | RunRecord):
            if not await restoring.add(self._tx, self._user_id, head):
                raise Known
            self.counts[_kind_of(head)] += 1
            return
        await self._refuse_known(head)
        if isinstance(head, PromptRecord):
            await self._insert("prompt_add", [head])
        else:
            await self._begin_run(head)
        for member in members:
            await self._take(head, member)
        await self._flush(head)
        if isinstance(head, RunRecord):
            await self._finish(head)

    async def _insert(self, query: str, rows: Sequence[Record], **more: list[Any]) -> None:
        """Insert records; `more` has a further column for each."""
        encoded = [msgspec.json.encode(row) for row in rows]
        for name, values in more.items():
            for place, value in enumerate(values):
                column = b',"%s":%s}' % (name.encode(), msgspec.json.encode(value))
                encoded[place] = encoded[place][:-1] + column
        text = (b"[" + b",".join(encoded) + b"]").decode()
        await self._tx.execute(SQL[query], user_id=self._user_id, rows=text)
        self.counts[_kind_of(rows[0])] += len(rows)

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
        await self._insert("run_add", [run])

    async def _take(self, head: PromptRecord | RunRecord, member: AnyRecord) -> None:
        of = member.prompt_id if isinstance(member, VersionRecord) else _run_of(member)
        if of != head.id:
            raise Refused(f"A record of {of} is among its own.")
        if isinstance(member, AttachmentRecord):
            await self._flush(head)
            await self._add_file(member)
            return
        assert isinstance(member, TaskRecord | MessageRecord | VersionRecord)
        if self._batch and type(self._batch[0]) is not type(member):
            await self._flush(head)
        self._batch.append(member)
        self._bytes += len(msgspec.json.encode(member))
        if len(self._batch) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            await self._flush(head)

    async def _flush(self, head: PromptRecord | RunRecord) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if tasks := [each for each in batch if isinstance(each, TaskRecord)]:
            await self._add_tasks(tasks)
        elif messages := [each for each in batch if isinstance(each, MessageRecord)]:
            await self._add_messages(head.id, messages)
        elif batch:
            await self._insert("version_add", batch)

    async def _add_file(self, file: AttachmentRecord) -> None:
        check_file(file, self._most)
        values = {name: getattr(file, name) for name in file.__struct_fields__}
        await self._tx.execute(SQL["attachment_add"], user_id=self._user_id, **values)
        self.counts[_kind_of(file)] += 1

    async def _add_tasks(self, tasks: list[TaskRecord]) -> None:
        named = {(task.provider, task.model) for task in tasks if task.model_id}
        rows = await self._tx.rows(
            SQL["models_of"],
            user_id=self._user_id,
            ids=[task.model_id for task in tasks if task.model_id],
            providers=[provider for provider, _ in named],
            names=[name for _, name in named],
        )
        known = {row["id"] for row in rows}
        by_name = {(row["provider"], row["name"]): row["id"] for row in rows}
        ready: list[TaskRecord] = []
        for task in tasks:
            model_id = task.model_id
            if model_id not in known:
                model_id = by_name.get((task.provider, task.model))
            ready.append(msgspec.structs.replace(_ended(task), model_id=model_id))
            self._asked.append((task.task_id, task.request_message_id, task.updated_at))
        await self._insert("task_add", ready)

    async def _add_messages(self, run_id: UUID, messages: list[MessageRecord]) -> None:
        mine = {message.id for message in messages}
        above = {message.parent_id for message in messages if message.parent_id} - mine
        found = await self._tx.all(
            Node, SQL["nodes"], user_id=self._user_id, run_id=run_id, ids=list(above)
        )
        nodes = {node.id: node for node in found}
        for message in messages:
            nodes[message.id] = node_of(message, nodes)
        added = [0] * (len(messages) - 1) + [len(messages)]
        await self._insert("message_add", messages, added=added)

    async def _finish(self, run: RunRecord) -> None:
        if self._asked:
            await self._tx.execute(
                SQL["task_finish"],
                user_id=self._user_id,
                task_ids=[task_id for task_id, _, _ in self._asked],
                message_ids=[message_id for _, message_id, _ in self._asked],
                updated_ats=[updated_at for _, _, updated_at in self._asked],
            )
        await self._tx.execute(
            SQL["run_finish"],
            user_id=self._user_id,
            run_id=run.id,
            head_message_id=run.head_message_id,
            status=run.status,
            preview=run.preview,
            last_task_id=run.last_task_id,
            last_message_at=run.last_message_at,
            updated_at=run.updated_at,
        )


def _run_of(member: AnyRecord) -> UUID | None:
    mine = isinstance(member, AttachmentRecord | TaskRecord | MessageRecord)
    return member.run_id if mine else None


def _ended(task: TaskRecord) -> TaskRecord:
    """Return a task as it can go on: one that was running then is not running here."""
    if task.completed_at is not None:
        return task
    errors = msgspec.Raw(msgspec.json.encode(INTERRUPTED))
    return msgspec.structs.replace(
        task, status="error", response_errors=errors, completed_at=task.updated_at
    )

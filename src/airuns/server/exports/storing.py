"""Puts records into the store, many of a kind in one statement: the one way in of all imports."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.exports.records import (
    AttachmentRecord,
    MessageRecord,
    Record,
    RunRecord,
    TaskRecord,
)

SQL = queries.load(__package__ or "", "importing.sql")

INTERRUPTED = {"message": "It was still running when it was exported.", "code": "interrupted"}


def kind_of(record: Record) -> str:
    """Return what a record is, as reports count it."""
    return str(record.__struct_config__.tag)


class Storing:
    """Adds records in a transaction; `counts` are those that it has added.

    Runs come first, then their files, their tasks, their messages with parents before children;
    `finish` comes last.
    """

    def __init__(self, tx: Transaction, user_id: UUID) -> None:
        self._tx = tx
        self._user_id = user_id
        self.counts: Counter[str] = Counter()
        self._asked: list[tuple[UUID, UUID | None, Any]] = []

    async def insert(self, query: str, rows: Sequence[Record], **more: list[Any]) -> None:
        """Insert records; `more` has a further column for each."""
        encoded = [msgspec.json.encode(row) for row in rows]
        for name, values in more.items():
            for place, value in enumerate(values):
                column = b',"%s":%s}' % (name.encode(), msgspec.json.encode(value))
                encoded[place] = encoded[place][:-1] + column
        await self._tx.execute(SQL[query], user_id=self._user_id, rows=_list_of(encoded))
        self.counts[kind_of(rows[0])] += len(rows)

    async def add_runs(self, runs: Sequence[RunRecord]) -> None:
        """Add runs without what they hold."""
        await self.insert("run_add", runs)

    async def add_file(self, file: AttachmentRecord) -> None:
        """Add a file of a run."""
        values = {name: getattr(file, name) for name in file.__struct_fields__}
        await self._tx.execute(SQL["attachment_add"], user_id=self._user_id, **values)
        self.counts[kind_of(file)] += 1

    async def add_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        """Add tasks; a model is the user's of the same name where it has another id here."""
        named = {(task.provider, task.model) for task in tasks if task.model}
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
        await self.insert("task_add", ready)

    async def add_messages(self, messages: Sequence[MessageRecord]) -> None:
        """Add messages whose hashes are right; the last of a run counts for all of it."""
        counts = Counter(message.run_id for message in messages)
        last = {message.run_id: place for place, message in enumerate(messages)}
        added = [
            counts[message.run_id] if last[message.run_id] == place else 0
            for place, message in enumerate(messages)
        ]
        await self.insert("message_add", messages, added=added)

    async def finish_tasks(self) -> None:
        """Tell the tasks which messages they asked from."""
        if self._asked:
            await self._tx.execute(
                SQL["task_finish"],
                user_id=self._user_id,
                task_ids=[task_id for task_id, _, _ in self._asked],
                message_ids=[message_id for _, message_id, _ in self._asked],
                updated_ats=[updated_at for _, _, updated_at in self._asked],
            )

    async def finish(self, runs: Sequence[RunRecord]) -> None:
        """Give runs what triggers made of the order in which rows came in."""
        await self.finish_tasks()
        encoded = [msgspec.json.encode(run) for run in runs]
        await self._tx.execute(SQL["run_finish"], user_id=self._user_id, rows=_list_of(encoded))


def _list_of(encoded: list[bytes]) -> str:
    return (b"[" + b",".join(encoded) + b"]").decode()


def _ended(task: TaskRecord) -> TaskRecord:
    """Return a task as it can go on: one that was running then is not running here."""
    if task.completed_at is not None:
        return task
    errors = msgspec.Raw(msgspec.json.encode(INTERRUPTED))
    return msgspec.structs.replace(
        task, status="error", response_errors=errors, completed_at=task.updated_at
    )

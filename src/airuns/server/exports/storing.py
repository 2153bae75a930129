"""Puts records into the store, many of a kind in one statement: the one way in of all imports."""

from collections import Counter
from collections.abc import Sequence
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

    Runs come first, then their files, tasks and messages, parents before children; `finish`, or
    `count` where runs were there before, comes last.
    """

    def __init__(self, tx: Transaction, user_id: UUID) -> None:
        self._tx = tx
        self._user_id = user_id
        self.counts: Counter[str] = Counter()
        self._runs: list[UUID] = []
        self._tasks: list[UUID] = []
        self._messages: list[UUID] = []
        self._asked: list[TaskRecord] = []

    async def insert(self, query: str, rows: Sequence[Record]) -> None:
        """Insert records of one kind."""
        await self._tx.execute(SQL[query], user_id=self._user_id, rows=_json(rows))
        self.counts[kind_of(rows[0])] += len(rows)

    async def add_runs(self, runs: Sequence[RunRecord]) -> None:
        """Add runs without what they hold."""
        await self.insert("run_add", runs)
        self._runs += [run.id for run in runs]

    async def add_file(self, file: AttachmentRecord) -> None:
        """Add a file of a run."""
        values = {name: getattr(file, name) for name in file.__struct_fields__}
        await self._tx.execute(SQL["attachment_add"], user_id=self._user_id, **values)
        self.counts[kind_of(file)] += 1

    async def add(self, rows: Sequence[TaskRecord | MessageRecord]) -> None:
        """Add tasks, and messages whose hashes are right.

        A message's task comes with it or before it; a task's question may come later.
        """
        messages = [row for row in rows if isinstance(row, MessageRecord)]
        tasks = [_ended(row) for row in rows if isinstance(row, TaskRecord)]
        tasks = await self._with_models(tasks)
        came = {None, *(message.id for message in messages)}
        self._asked += [task for task in tasks if task.request_message_id not in came]
        ready = [
            task
            if task.request_message_id in came
            else msgspec.structs.replace(task, request_message_id=None)
            for task in tasks
        ]
        await self._tx.execute(
            SQL["add"], user_id=self._user_id, tasks=_json(ready), messages=_json(messages)
        )
        self._tasks += [task.task_id for task in tasks]
        self._messages += [message.id for message in messages]
        self.counts.update(kind_of(row) for row in rows)

    async def _with_models(self, tasks: list[TaskRecord]) -> list[TaskRecord]:
        """Return tasks with the user's model of the same name where it has another id here."""
        named = {(task.provider, task.model) for task in tasks if task.model}
        ids = [task.model_id for task in tasks if task.model_id]
        if not named and not ids:
            return tasks
        rows = await self._tx.rows(
            SQL["models_of"],
            user_id=self._user_id,
            ids=ids,
            providers=[provider for provider, _ in named],
            names=[name for _, name in named],
        )
        known = {row["id"] for row in rows}
        by_name = {(row["provider"], row["name"]): row["id"] for row in rows}
        return [
            task
            if task.model_id in known
            else msgspec.structs.replace(task, model_id=by_name.get((task.provider, task.model)))
            for task in tasks
        ]

    async def count(self, grown: Sequence[UUID] = ()) -> None:
        """Have counted and indexed what was added, also to runs that have `grown`."""
        if self._asked:
            await self._tx.execute(
                SQL["task_finish"],
                user_id=self._user_id,
                task_ids=[task.task_id for task in self._asked],
                message_ids=[task.request_message_id for task in self._asked],
                updated_ats=[task.updated_at for task in self._asked],
            )
        runs = [*self._runs, *grown]
        await self._tx.execute(SQL["plan_anew"])
        await self._tx.execute(
            SQL["count"],
            user_id=self._user_id,
            runs=runs,
            heads=[None] * len(runs),
            new_runs=self._runs,
            new_messages=self._messages,
            new_tasks=self._tasks,
        )

    async def finish(self, runs: Sequence[RunRecord]) -> None:
        """Count, and give runs back what counting made of the order in which rows came in."""
        await self.count()
        ids = [run.id for run in runs]
        await self._tx.execute(SQL["run_finish"], user_id=self._user_id, rows=_json(runs), ids=ids)


def _json(rows: Sequence[Record]) -> str:
    return msgspec.json.encode(rows).decode()


def _ended(task: TaskRecord) -> TaskRecord:
    """Return a task as it can go on: one that was running then is not running here."""
    if task.completed_at is not None:
        return task
    errors = msgspec.Raw(msgspec.json.encode(INTERRUPTED))
    return msgspec.structs.replace(
        task, status="error", response_errors=errors, completed_at=task.updated_at
    )

"""Tasks: one request to a model each, from its start to its end."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import Conflict, NotFound
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, Database, Transaction
from airuns.server.runs import tree
from airuns.server.runs.records import Node, Task, TaskEnd
from airuns.server.runs.rules import request_bytes
from airuns.server.runs.tree import to_json

SQL = queries.load(__package__ or "", "tasks.sql")


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a task starts with; see Task for the fields.

    `request_data` is the request with null in place of its messages, if it has any.
    """

    task_id: UUID
    run_id: UUID
    request_message_id: UUID | None
    service: str = "chat"
    task_name: str = "chat"
    provider: str | None = None
    endpoint: str | None = None
    model: str | None = None
    model_id: UUID | None = None
    request_data: dict[str, Any] = {}
    request_hash: bytes | None = None
    process_id: UUID | None = None
    key_id: UUID | None = None


class TaskProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a task has come; None leaves a field as it is."""

    response_text: str | None = None
    response_data: Any = None
    response_info: Any = None
    tool_updates: Any = None
    response_metadata: Any = None
    time_to_first_token: float | None = None


class Piece(msgspec.Struct, frozen=True):
    """A piece of a running task's text and where it begins, in characters."""

    user_id: UUID
    task_id: UUID
    at: int
    text: str


class TaskKey(msgspec.Struct, frozen=True):
    """A task of a user."""

    user_id: UUID
    task_id: UUID


class _Closing(msgspec.Struct, frozen=True):
    """What ending a task needs of it."""

    run_id: UUID
    has_ended: bool
    has_answer: bool
    question_id: UUID | None
    question_depth: int | None
    question_hash: bytes | None

    @property
    def question(self) -> Node | None:
        if self.question_id is None or self.question_depth is None or self.question_hash is None:
            return None
        return Node(self.question_id, self.question_depth, self.question_hash)


async def find(
    tx: Transaction, user_id: UUID, task_id: UUID, *, deleted: bool = True
) -> Task | None:
    """Return a task, or None; one of a deleted run unless told otherwise."""
    return await tx.one(Task, SQL["task_get"], user_id=user_id, task_id=task_id, deleted=deleted)


async def get(tx: Transaction, user_id: UUID, task_id: UUID) -> Task:
    """Return a task of a run that is not deleted. Raises NotFound."""
    task = await find(tx, user_id, task_id, deleted=False)
    if task is None:
        raise NotFound(f"There is no task {task_id}.", field="task_id")
    return task


async def create(tx: Transaction, user_id: UUID, new: NewTask) -> None:
    """Add a task. Raises psycopg's UniqueViolation when the user has one with this id."""
    values = msgspec.structs.asdict(new)
    values["request_data"] = to_json(new.request_data)
    await tx.execute(SQL["task_insert"], user_id=user_id, **values)


async def is_running_at(tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID) -> bool:
    """Say whether a message of a run is being answered."""
    found = await tx.value(
        SQL["task_running_at"], user_id=user_id, run_id=run_id, message_id=message_id
    )
    return found is not None


async def running_in(tx: Transaction, user_id: UUID, run_id: UUID) -> list[UUID]:
    """Return the tasks of a run that have not ended, oldest first."""
    rows = await tx.rows(SQL["tasks_running_in"], user_id=user_id, run_id=run_id)
    return [row["task_id"] for row in rows]


async def ask_cancel(tx: Transaction, user_id: UUID, task_id: UUID) -> None:
    """Ask the process that runs a task to stop it."""
    await tx.execute(SQL["task_ask_cancel"], user_id=user_id, task_id=task_id)


async def progress(tx: Transaction, user_id: UUID, task_id: UUID, new: TaskProgress) -> None:
    """Keep how far a task has come. Raises NotFound, or Conflict when it has ended."""
    values = _encoded(msgspec.structs.asdict(new))
    if not await tx.execute(SQL["task_update"], user_id=user_id, task_id=task_id, **values):
        raise Conflict(f"The task has ended as {(await get(tx, user_id, task_id)).status}.")


async def end(tx: Transaction, user_id: UUID, task_id: UUID, ending: TaskEnd) -> bool:
    """End a task and add its answer to the run, in the caller's transaction.

    Returns False, and changes nothing, when it had ended before. Raises NotFound.
    """
    task = await tx.one(_Closing, SQL["task_closing"], user_id=user_id, task_id=task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.", field="task_id")
    if task.has_ended:
        return False
    values = _encoded(msgspec.structs.asdict(ending))
    answer = None if task.has_answer else ending.answer
    metadata = {} if ending.status == "completed" else {"status": ending.status}
    async with tx.batch():
        await tx.execute(SQL["task_end"], user_id=user_id, task_id=task_id, **values)
        if answer is not None:
            await tree.add_answer(
                tx, user_id, task.run_id, task.question, answer, task_id, metadata
            )
    return True


def _encoded(values: dict[str, Any]) -> dict[str, Any]:
    for name in (
        "response_data",
        "response_info",
        "response_errors",
        "tool_updates",
        "response_metadata",
        "price",
    ):
        if values.get(name) is not None:
            values[name] = to_json(values[name])
    return values


async def rebuild_request(tx: Transaction, user_id: UUID, task: Task) -> bytes:
    """Return the whole request of a task, to the byte: JSON in the shape it was given."""
    turns = (
        await tree.turns(tx, user_id, task.run_id, task.request_message_id)
        if task.request_message_id
        else []
    )
    return request_bytes(task.request_data, [turn.message for turn in turns])


def request_hash(request: bytes) -> bytes:
    """Return the SHA-256 of a request, 32 bytes."""
    return hashlib.sha256(request).digest()


async def flush(db: Database, pieces: list[Piece]) -> None:
    """Save the partial texts of a process's running tasks, all users' in one statement.

    The machine's loss may cost what came since; the journal covers the loss of the process.
    """
    ordered = sorted(pieces, key=lambda piece: (piece.user_id, piece.task_id))
    async with db.transaction(SERVICE) as tx:
        await tx.execute("set local synchronous_commit = off")
        await tx.execute(
            SQL["flush"],
            user_ids=[piece.user_id for piece in ordered],
            task_ids=[piece.task_id for piece in ordered],
            ats=[piece.at for piece in ordered],
            texts=[piece.text for piece in ordered],
        )


async def cancels_asked(db: Database, process_id: UUID) -> list[TaskKey]:
    """Return the tasks of a process that somebody asked another process to stop."""
    async with db.transaction(SERVICE) as tx:
        return await tx.all(TaskKey, SQL["cancels_asked"], process_id=process_id)


async def seen(db: Database, process_id: UUID, lease: float) -> None:
    """Say that a process lives, and forget those that have been silent for very long."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["process_seen"], process_id=process_id)
        await tx.execute(SQL["processes_forget"], lease=lease)


async def left(db: Database, process_id: UUID) -> None:
    """Say that a process has ended."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["process_left"], process_id=process_id)


async def orphaned(
    db: Database, process_id: UUID, dead: list[UUID], alive: list[UUID], lease: float | None
) -> list[TaskKey]:
    """Return tasks whose process is in `dead`, or not in `alive` and silent for `lease` seconds.

    Without a lease silence does not count.
    """
    async with db.transaction(SERVICE) as tx:
        return await tx.all(
            TaskKey,
            SQL["tasks_orphaned"],
            process_id=process_id,
            dead=dead,
            alive=alive,
            lease=lease,
        )


async def of_process(db: Database, process_id: UUID) -> dict[TaskKey, bool]:
    """Return the tasks that a process should be running; true: it has been long enough to tell."""
    async with db.transaction(SERVICE) as tx:
        rows = await tx.rows(SQL["tasks_of_process"], process_id=process_id)
    return {TaskKey(row["user_id"], row["task_id"]): row["is_settled"] for row in rows}


async def tail(tx: Transaction, user_id: UUID, task_id: UUID, offset: int) -> tuple[str, bool]:
    """Return a task's text from `offset` on, and whether it has ended. Raises NotFound."""
    rows = await tx.rows(SQL["task_tail"], user_id=user_id, task_id=task_id, offset=offset)
    if not rows:
        raise NotFound(f"There is no task {task_id}.", field="task_id")
    return rows[0]["text"], rows[0]["has_ended"]

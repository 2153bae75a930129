"""A run as a conversation: its line of messages, each with the task that wrote it.

Where a question has no answer, because its task runs or has failed, the task stands in its place.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.runs import tree
from airuns.server.runs.records import LineMessage, Run

SQL = queries.load(__package__ or "")
WINDOW = 40
STEP = 40
ABOVE = 15
BELOW = 8
RUNNING = ("pending", "streaming")


# How OpenAI's and Anthropic's protocols say that an answer had reached the most tokens allowed.
CUT_REASONS = ("length", "max_tokens")


class TurnTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation says of a task. `kept` is how many characters came."""

    task_id: UUID
    request_message_id: UUID | None
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None
    status: str
    response_errors: Any
    kept: int
    reasoning: str | None
    finish_reason: str | None
    created_at: datetime

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def is_cut(self) -> bool:
        return self.finish_reason in CUT_REASONS

    @property
    def name(self) -> str:
        """The model as a request names it."""
        return f"{self.provider}/{self.model}" if self.provider else self.model or ""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a message. One of which an import had only the name has no id."""

    attachment_id: UUID | None = None
    name: str
    media_type: str = ""
    size: int | None = None

    @property
    def is_picture(self) -> bool:
        """Whether it can be shown as a picture."""
        return self.attachment_id is not None and self.media_type.startswith("image/")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the line, and what stands around it.

    `unanswered` is the task that was asked above this message and gave no answer there.
    """

    message: LineMessage
    task: TurnTask | None
    unanswered: TurnTask | None
    attached: list[Attached]
    links: list[str]

    @property
    def version(self) -> int:
        return self.message.siblings.index(self.message.id) + 1

    @property
    def before(self) -> UUID | None:
        """The version before this one."""
        return self.message.siblings[self.version - 2] if self.version > 1 else None

    @property
    def after(self) -> UUID | None:
        """The version after this one."""
        ids = self.message.siblings
        return ids[self.version] if self.version < len(ids) else None

    @property
    def text(self) -> str:
        return self.message.content

    @property
    def data(self) -> dict[str, Any]:
        return self.message.data or {}


class Rest(msgspec.Struct, frozen=True, array_like=True):
    """A part of a line that is not shown: what it ends at (None: the run's head), and its size."""

    end: UUID | None
    count: int


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a line. `open` is the task at its end that has not answered, if that is shown.

    `answers` are the versions that the open task stands beside. `below` are the parts that follow,
    the nearest last. `branch` is the end of the line when it is not the run's current one.
    """

    turns: list[Turn]
    open: TurnTask | None
    answers: list[UUID]
    text: str = ""
    below: list[Rest] = []
    branch: UUID | None = None

    @property
    def below_json(self) -> str:
        """Return what scripts read of the parts that follow."""
        return msgspec.json.encode(self.below).decode()


async def read_at(tx: Transaction, user_id: UUID, run: Run, message_id: UUID) -> Conversation:
    """Return the part of a line around a message: of the current one, or of the newest with it.

    Raises NotFound when the run has no such message.
    """
    message = await tree.get(tx, user_id, run.id, message_id)
    branch = None
    place = None
    if run.head_message_id is not None:
        head = await tree.get(tx, user_id, run.id, run.head_message_id)
        place = await tree.place(tx, user_id, run.id, message, head, STEP)
    if place is None:
        branch = await tree.newest_end(tx, user_id, run.id, message_id)
        end = await tree.get(tx, user_id, run.id, branch)
        place = await tree.place(tx, user_id, run.id, message, end, STEP)
        assert place is not None
    part, in_part = divmod(place.steps - 1, STEP)
    if in_part < BELOW and part:
        part -= 1
    below = [Rest(place.ids[at * STEP + 1], STEP) for at in range(part)]
    if below and branch is None:
        below[0] = Rest(None, STEP)
    last = place.ids[part * STEP + 1] if part or branch else None
    limit = max(place.steps - part * STEP + ABOVE, WINDOW)
    shown = await read(tx, user_id, run, last, limit)
    return msgspec.structs.replace(shown, below=below, branch=branch)


async def read(
    tx: Transaction, user_id: UUID, run: Run, end: UUID | None = None, limit: int = WINDOW
) -> Conversation:
    """Return the last `limit` messages of a run's line, or of the part of it that ends at `end`."""
    last = end or run.head_message_id
    if last is None:
        return Conversation(turns=[], open=None, answers=[])
    line = await tree.window(tx, user_id, run.id, last, limit)
    tasks = await _tasks(tx, user_id, run.id, line)
    turns = [_turn(message, tasks) for message in line]
    if last != run.head_message_id:
        return Conversation(turns=turns, open=None, answers=[])
    answers = await tree.children(tx, user_id, run.id, last)
    asked = [task for task in tasks if task.request_message_id == last]
    answered = {answer.task_id for answer in answers}
    return Conversation(
        turns=turns,
        open=asked[-1] if asked and asked[-1].task_id not in answered else None,
        answers=[answer.id for answer in answers if answer.role == "assistant"],
    )


async def _tasks(
    tx: Transaction, user_id: UUID, run_id: UUID, line: list[LineMessage]
) -> list[TurnTask]:
    asked_at = {message.id for message in line} | {message.parent_id for message in line[:1]}
    return await tx.all(
        TurnTask,
        SQL["turn_tasks"],
        user_id=user_id,
        run_id=run_id,
        task_ids=[message.task_id for message in line if message.task_id],
        message_ids=[each for each in asked_at if each],
    )


def _turn(message: LineMessage, tasks: list[TurnTask]) -> Turn:
    wrote = next((task for task in tasks if task.task_id == message.task_id), None)
    above = _unanswered(tasks, message.parent_id) if message.role == "user" else None
    parts = _parts(message)
    return Turn(
        message=message,
        task=wrote,
        unanswered=above,
        attached=[
            msgspec.convert(part, Attached) for part in parts if part.get("type") == "attachment"
        ],
        links=[link for part in parts if (link := _link(part))],
    )


def _unanswered(tasks: list[TurnTask], message_id: UUID | None) -> TurnTask | None:
    """Return the newest task that was asked at a message, when nothing came of it."""
    asked = [task for task in tasks if message_id and task.request_message_id == message_id]
    nothing_came = asked and asked[-1].status != "completed" and not asked[-1].kept
    return asked[-1] if nothing_came else None


def _parts(message: LineMessage) -> list[dict[str, Any]]:
    content = (message.data or {}).get("content")
    if not isinstance(content, list):
        return []
    return [part for part in cast("list[Any]", content) if isinstance(part, dict)]


def _link(part: dict[str, Any]) -> str | None:
    """Return the address of a picture that a message names, which is not ours to load."""
    named = part.get("image_url")
    url = cast("dict[str, Any]", named).get("url") if isinstance(named, dict) else None
    return url if isinstance(url, str) and url.startswith("http") else None

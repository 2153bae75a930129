"""What a batch adds: each event is placed in its run's tree, in their order, without the database.

What one event adds, the next ones see. The rows come out together, ready to be written at once.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from airuns.errors import Conflict, NotFound
from airuns.events import MessageEvent, RunEvent
from airuns.server.ids import new_id
from airuns.server.recorder.known import Known, KnownMessage, KnownRun, KnownTask
from airuns.server.recorder.rows import MessageRow, RunRow, TaskRow, task_row
from airuns.server.recorder.rules import recognisable, settings_of
from airuns.server.recorder.told import Told
from airuns.server.runs.rules import Turn, chain_hash, run_name, turn_of


class Waits(Exception):
    """The event names a message or a task that is not there yet."""

    def __init__(self, needs: UUID) -> None:
        self.needs = needs


class Plan:
    """The rows that a batch of one user adds or changes."""

    def __init__(self, known: Known, prompts: dict[UUID, int], now: datetime) -> None:
        self.runs: dict[UUID, RunRow] = {}
        self.run_changes: list[tuple[UUID, RunEvent]] = []
        self.run_settings: dict[UUID, dict[str, Any]] = {}
        self.messages: list[MessageRow] = []
        self.tasks: list[TaskRow] = []
        self.task_changes: list[TaskRow] = []
        self.adopted: dict[UUID, UUID] = {}
        self.answered: set[UUID | None] = set()  # tasks whose answers come as messages, with these
        self.heads: dict[UUID, UUID | None] = {}
        self.arrived: set[UUID] = set()
        self._known = known
        self._prompts = prompts
        self._now = now

    def add_run(self, event: RunEvent) -> None:
        """Begin or change a run. Raises NotFound when its prompt is none."""
        if event.id in self._known.runs:
            self.run_changes.append((event.id, event))
            return
        given = {
            name: value
            for name, value in msgspec.structs.asdict(event).items()
            if value is not UNSET and name not in ("id", "at", "status")
        }
        self._begin(event.id, event.at or self._now, given, [])
        if event.status is not UNSET:
            self.run_changes.append((event.id, event))

    def _begin(
        self, run_id: UUID, at: datetime, given: dict[str, Any], turns: list[Turn]
    ) -> KnownRun:
        source_type = given.get("source_type") or "custom"
        prompt_id = prompt_version = None
        if source_type == "prompt":
            prompt_id = UUID(str(given.get("source_id")))
            prompt_version = self._prompts.get(prompt_id)
            if prompt_version is None:
                raise NotFound(f"There is no prompt {prompt_id}.", field="source_id")
        name = given.get("name") or run_name(turns, None, at)
        row: dict[str, Any] = {
            **given,
            "id": run_id,
            "source_type": source_type,
            "name": name,
            "created_at": at,
        }
        self.runs[run_id] = RunRow(**row, prompt_version=prompt_version)
        run = KnownRun(
            id=run_id,
            source_type=source_type,
            prompt_id=prompt_id,
            prompt_version=prompt_version,
            head_message_id=None,
            last_message_at=at,
            has_model="model" in self.runs[run_id].settings,
        )
        self._known.runs[run_id] = run
        return run

    def add_message(self, event: MessageEvent) -> None:
        """Add a message. Raises Waits, or Conflict when its id or its parent is elsewhere."""
        if known := self._known.messages.get(event.id):
            if known.run_id != event.run_id:
                raise Conflict(f"Message {event.id} is in another run.", field="id")
            return
        turn, at = turn_of(event.message.as_dict()), event.at or self._now
        run = self._known.runs.get(event.run_id)
        parent = self._parent(event, run)
        task = None
        if event.task_id is not None:
            task = self._known.tasks.get(event.task_id)
            if task is None:
                raise Waits(event.task_id)
            if task.run_id != event.run_id:
                raise Conflict(f"Task {event.task_id} is in another run.", field="task_id")
        run = run or self._begin(event.run_id, at, {}, [turn])
        hash_ = chain_hash(parent.chain_hash if parent else None, turn)
        new = self._child(run, parent, turn, hash_, at, event.id, event.task_id, event.metadata)
        if task is not None:
            task.answer_id = task.answer_id or new.id
        self._move_head(run, parent, new, at)
        self.arrived.add(event.id)

    def _parent(self, event: MessageEvent, run: KnownRun | None) -> KnownMessage | None:
        """Return what the message goes below: a message, or the answer of a task."""
        if event.parent_id is None:
            return None
        if event.parent_id is UNSET:
            head = run.head_message_id if run else None
            return self._known.messages[head] if head else None
        wanted = event.parent_id
        if task := self._known.tasks.get(wanted):
            wanted = task.answer_id or wanted
        parent = self._known.messages.get(wanted)
        if parent is None:
            raise Waits(event.parent_id)
        if parent.run_id != event.run_id:
            raise Conflict(f"Message {parent.id} is in another run.", field="parent_id")
        return parent

    def add_task(self, told: Told) -> None:
        """Add a task, or what is new of one. Raises Waits, NotFound or Conflict."""
        known = self._known.tasks.get(told.task_id)
        if known is not None:
            self._change_task(told, known)
            return
        if told.request_message_id and told.request_message_id not in self._known.messages:
            raise Waits(told.request_message_id)
        run = self._run_of(told)
        self._settle(run, told)
        question = self._question(told, run)
        self.tasks.append(task_row(told, run, question.id if question else None))
        known = KnownTask(
            task_id=told.task_id,
            run_id=run.id,
            has_ended=told.has_ended,
            request_message_id=question.id if question else None,
            answer_id=None,
            provider=told.provider,
            model=told.model,
        )
        self._known.tasks[told.task_id] = known
        self._answer(told, run, known, question)
        self.heads.setdefault(run.id, run.head_message_id)
        self.arrived.add(told.task_id)

    def _settle(self, run: KnownRun, told: Told) -> None:
        """Give a run that was begun without a model the one that it turns out to use."""
        settings = settings_of(told.provider, told.model, told.request_data)
        if run.has_model or not settings:
            return
        run.has_model = True
        if row := self.runs.get(run.id):
            row.settings = {**settings, **row.settings}
        else:
            self.run_settings[run.id] = settings

    def _run_of(self, told: Told) -> KnownRun:
        turns = told.turns or []
        run_id = told.run_id
        if run_id is None and told.request_message_id:
            run_id = self._known.messages[told.request_message_id].run_id
        if run_id is None:
            found = (self._known.anywhere.get(each) for each in recognisable(turns, told.hashes))
            run_id = next((each for each in found if each), None)
        if run_id and (known := self._known.runs.get(run_id)):
            return known
        given = {
            "source_type": told.source_type,
            "source_id": told.source_id,
            "name": told.name,
            "tags": told.tags,
            "metadata": told.metadata,
            "settings": settings_of(told.provider, told.model, told.request_data),
        }
        return self._begin(run_id or new_id(), told.at, given, turns)

    def _question(self, told: Told, run: KnownRun) -> KnownMessage | None:
        """Return the message that the task was asked at; what is new on the way is added."""
        if told.request_message_id is not None:
            message = self._known.messages[told.request_message_id]
            if message.run_id != run.id:
                raise Conflict(
                    f"Message {message.id} is in another run.", field="request_message_id"
                )
            return message
        if told.turns is None:
            return self._known.messages[run.head_message_id] if run.head_message_id else None
        at, parent = self._deepest(run.id, told.hashes)
        first = parent
        for turn, hash_ in zip(told.turns[at:], told.hashes[at:], strict=True):
            parent = self._child(run, parent, turn, hash_, told.at, new_id(), None, {})
        if parent is not None and parent is not first:
            self._move_head(run, first, parent, told.at)
        return parent

    def _deepest(self, run_id: UUID, hashes: list[bytes]) -> tuple[int, KnownMessage | None]:
        for at in range(len(hashes), 0, -1):
            if found := self._known.places.get((run_id, hashes[at - 1])):
                return at, found
        return 0, None

    def _answer(
        self, told: Told, run: KnownRun, task: KnownTask, question: KnownMessage | None
    ) -> None:
        """Add the answer below its question; if it is there, it turns out to be this task's."""
        turn = told.message
        if turn is None or task.answer_id is not None or told.task_id in self.answered:
            return
        at = told.completed_at or self._now
        hash_ = chain_hash(question.chain_hash if question else None, turn)
        there = self._known.places.get((run.id, hash_))
        if there is not None and there.task_id is None and there.id not in self.adopted:
            self.adopted[there.id] = told.task_id
            task.answer_id = there.id
            return
        metadata = {} if told.status == "completed" else {"status": told.status}
        new = self._child(run, question, turn, hash_, at, new_id(), told.task_id, metadata)
        task.answer_id = new.id
        self._move_head(run, question, new, at)

    def _change_task(self, told: Told, known: KnownTask) -> None:
        run = self._known.runs[known.run_id]
        known.provider, known.model = told.provider or known.provider, told.model or known.model
        row = task_row(told, run, None)
        self.task_changes.append(row)
        row.provider, row.model = known.provider, known.model
        if not known.has_ended:
            question = self._known.messages.get(known.request_message_id or told.task_id)
            self._answer(told, run, known, question)
            known.has_ended = told.has_ended
        self.heads.setdefault(run.id, run.head_message_id)
        self.arrived.add(told.task_id)

    def _child(
        self,
        run: KnownRun,
        parent: KnownMessage | None,
        turn: Turn,
        hash_: bytes,
        at: datetime,
        id_: UUID,
        task_id: UUID | None,
        metadata: dict[str, Any],
    ) -> KnownMessage:
        depth = parent.depth + 1 if parent else 0
        message = KnownMessage(
            id=id_, run_id=run.id, depth=depth, chain_hash=hash_, task_id=task_id
        )
        row = MessageRow(
            id=id_,
            run_id=run.id,
            parent_id=parent.id if parent else None,
            depth=depth,
            role=turn.role,
            content=turn.content,
            data=turn.data,
            chain_hash=hash_.hex(),
            task_id=task_id,
            metadata=metadata,
            created_at=at,
        )
        self.messages.append(row)
        self._known.add_message(message)
        if turn.role == "assistant":
            self._known.anywhere[hash_] = run.id
        return message

    def _move_head(
        self,
        run: KnownRun,
        parent: KnownMessage | None,
        new: KnownMessage,
        at: datetime,
    ) -> None:
        """Go on to what was added to the current line or last of all, not to what came late."""
        on_line = run.head_message_id == (parent.id if parent else None)
        if on_line or at >= run.last_message_at:
            run.head_message_id = new.id
        run.last_message_at = max(run.last_message_at, at)
        self.heads[run.id] = run.head_message_id

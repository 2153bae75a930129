"""Runs, messages and tasks as a program tells of them, one event for each step."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, Unpack, cast
from uuid import UUID

from msgspec import UNSET, UnsetType

from airuns.client.delivery import delivery
from airuns.client.fields import RunFields, TaskFields
from airuns.client.ids import new_id
from airuns.events import MessageEvent, RunEvent, TaskEvent, TaskStatus
from airuns.wire import Message, Role

UPDATE_SECONDS = 0.5
NAME_LENGTH = 100
Content = str | list[dict[str, Any]] | None
Said = Message | Mapping[str, Any]

_runs: ContextVar["_Inside | None"] = ContextVar("airuns_run", default=None)
_tasks: ContextVar["_Inside | None"] = ContextVar("airuns_task", default=None)


def current_run() -> "Run | None":
    """Return the run whose `with` block this is, in this thread or asyncio task."""
    inside = _runs.get()
    return inside.block if inside else None


def current_task() -> "Task | None":
    """Return the task whose `with` block or tracked function this is."""
    inside = _tasks.get()
    return inside.block if inside else None


def run(
    given_name: str | None = None,
    /,
    *,
    run_id: UUID | str | None = None,
    **fields: Unpack[RunFields],
) -> "Run":
    """Begin a run. `with` or `async with` makes it the one that wrapped clients record into.

    `run_id` may be your own UUID; a run that exists is changed and not begun again. `source_type`
    is custom unless given.
    """
    begun = Run(UUID(str(run_id)) if run_id else new_id())
    if given_name is not None:
        fields["name"] = given_name
    fields.setdefault("source_type", "custom")
    begun.update(**fields)
    return begun


def resume(run_id: UUID | str) -> "Run":
    """Go on with a run, of this or another program. Raises ValueError when it is no UUID."""
    return Run(UUID(str(run_id)))


class _Block:
    """What is current inside its `with` or `async with` block, in this thread or asyncio task."""

    def __init__(self, current: ContextVar["_Inside | None"]) -> None:
        self._current = current

    def __enter__(self) -> Self:
        self._current.set(_Inside(self, self._current.get()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        inside = self._current.get()
        if inside is not None and inside.block is self:  # else: closed from another context
            self._current.set(inside.outer)
        self._leave(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    @contextmanager
    def inside(self) -> Generator[None]:
        """Be current for a step, without an end."""
        before = self._current.get()
        self._current.set(_Inside(self, before))
        try:
            yield
        finally:
            self._current.set(before)

    def _leave(self, error: BaseException | None) -> None:
        """Do what is to be done at the end of the block."""
        raise NotImplementedError


class _Inside(NamedTuple):
    """A block and what was current around it."""

    block: Any
    outer: "_Inside | None"


class Run(_Block):
    """A run: its messages and the tasks that answered them.

    Nothing here waits for the server or raises because of it; each step is an event (see flush).
    """

    def __init__(self, run_id: UUID) -> None:
        super().__init__(_runs)
        self.id = run_id

    def __repr__(self) -> str:
        return f"<airuns.Run {self.id}>"

    def update(self, **fields: Unpack[RunFields]) -> None:
        """Change what the run has: name (100 characters), tags, status (active, …), metadata, …"""
        if "name" in fields:
            fields["name"] = fields["name"][:NAME_LENGTH]
        _tell(lambda: RunEvent(id=self.id, at=_now(), **fields))

    def add_message(
        self,
        role: Role,
        content: Content = None,
        *,
        tool_calls: list[dict[str, Any]] | None = None,
        tool_call_id: str | None = None,
        name: str | None = None,
        parent_id: UUID | None | UnsetType = UNSET,
        task: "Task | None" = None,
        metadata: dict[str, Any] | None = None,
    ) -> UUID:
        """Add a message at the run's end, or below `parent_id`, and return its id.

        `task` is the task whose answer it is.
        """
        message_id = new_id()
        message = Message(
            role=role,
            content=content,
            name=name,
            tool_calls=tool_calls,
            tool_call_id=tool_call_id,
        )
        event = MessageEvent(
            id=message_id,
            at=_now(),
            run_id=self.id,
            message=message,
            parent_id=parent_id,
            task_id=task.id if task else None,
            metadata=metadata or {},
        )
        delivery.put(event)
        return message_id

    def create_task(
        self,
        asked_model: str | None = None,
        /,
        *,
        messages: Sequence[Said] | None = None,
        request_message_id: UUID | None = None,
        task_id: UUID | None = None,
        **fields: Unpack[TaskFields],
    ) -> "Task":
        """Tell that a model is asked: the whole conversation `messages`, or at a message.

        With neither, at the run's end. `request` is what else was sent: temperature, tools, …
        """
        if asked_model is not None:
            fields["model"] = asked_model
        task = Task(task_id or new_id(), self.id)
        _tell(
            lambda: TaskEvent(
                id=task.id,
                at=_now(),
                run_id=self.id,
                status="pending",
                messages=None if messages is None else [_message(each) for each in messages],
                request_message_id=request_message_id,
                **fields,
            )
        )
        return task

    task = create_task

    def _leave(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.update(status="error")


class Task(_Block):
    """A request to a model, while it is answered.

    At the end of a `with` block it is completed, or failed when the block raised.
    """

    def __init__(self, task_id: UUID, run_id: UUID) -> None:
        super().__init__(_tasks)
        self.id = task_id
        self.run_id = run_id
        self.has_ended = False
        self.response_text = ""
        self._began = time.perf_counter()
        self._first_token: float | None = None
        self._told = self._began
        self._pending = TaskFields()

    def __repr__(self) -> str:
        return f"<airuns.Task {self.id}>"

    def update(
        self,
        text_delta: str = "",
        *,
        response_text: str | None = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        """Tell what has come: a piece of the text, or the whole text so far, and other fields.

        Told at most every half second; what came since then goes with the next update or the end.
        """
        if self.has_ended:
            return
        if text_delta or response_text is not None:
            self.response_text = (response_text or self.response_text) + text_delta
            self._first_token = self._first_token or time.perf_counter() - self._began
        self._pending.update(fields)
        now = time.perf_counter()
        if now - self._told >= UPDATE_SECONDS:
            self._told = now
            self._tell("streaming")

    def complete(
        self,
        response_text: str | None = None,
        *,
        response: Said | None = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        """Tell that the answer is whole: its text or the whole message, tokens, cost, …

        Without either the answer is the text that the updates have told.
        """
        if response_text is not None:
            self.response_text = response_text
        self._end("completed", fields, None if response is None else _message(response))

    def fail(
        self,
        error: BaseException | str,
        *,
        status: Literal["error", "timeout", "cancelled"] = "error",
        **fields: Unpack[TaskFields],
    ) -> None:
        """Tell that there is no whole answer, and why; what came is kept."""
        said = {"message": str(error) or type(error).__name__}
        if isinstance(error, BaseException):
            said["type"] = type(error).__name__
        fields.setdefault("response_errors", said)
        self._end(status, fields)

    def _end(self, status: TaskStatus, fields: TaskFields, response: Message | None = None) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        self._pending.update(fields)
        self._pending.setdefault("total_time", time.perf_counter() - self._began)
        self._pending.setdefault("completed_at", _now())
        self._tell(status, response)

    def _tell(self, status: TaskStatus, response: Message | None = None) -> None:
        pending, self._pending = self._pending, TaskFields()
        if self._first_token is not None:
            pending.setdefault("time_to_first_token", self._first_token)
        _tell(
            lambda: TaskEvent(
                id=self.id,
                run_id=self.run_id,
                status=status,
                response_text=self.response_text or None,
                response=response,
                **pending,
            )
        )

    def end_with(self, error: BaseException) -> None:
        """Fail with what ended the work on it; a cancellation cancels."""
        if isinstance(error, TimeoutError):
            self.fail(error, status="timeout")
        else:
            self.fail(error, status="error" if isinstance(error, Exception) else "cancelled")

    def _leave(self, error: BaseException | None) -> None:
        if error is None:
            self.complete()
        else:
            self.end_with(error)


def _tell(make: Callable[[], RunEvent | TaskEvent]) -> None:
    """Hand over an event; fields that there are not are logged, for nothing is to raise here."""
    try:
        event = make()
    except TypeError as error:
        delivery.say("field", f"An event is lost: {error}")
    else:
        delivery.put(event)


def _message(said: Any) -> Message:
    """Return a message of the OpenAI chat shape; fields that it does not know are left out.

    Nothing is checked here: what cannot be used, the server refuses, and that is logged.
    """
    if isinstance(said, Message):
        return said
    if not isinstance(said, Mapping):
        said = said.model_dump(exclude_none=True) if hasattr(said, "model_dump") else {}
    given = cast("Mapping[str, Any]", said)
    fields = {name: given[name] for name in Message.__struct_fields__ if name in given}
    whole: dict[str, Any] = {"role": "", "content": None, **fields}
    return Message(**whole)


def _now() -> datetime:
    return datetime.now(UTC)

"""Which task asked for the tool that a span is the use of.

A tool is used after the answer that asks for it, mostly below the same agent, and its span may come
in a later batch, or, through another sender, in an earlier one. A process remembers which calls its
latest traces asked for; what it does not know, the database may.
"""

from collections import OrderedDict
from uuid import UUID

import msgspec

from airuns.events import TaskEvent
from airuns.server.otlp.messages import Fields, text_in, tool_call
from airuns.server.otlp.reading import errors_of
from airuns.server.otlp.spans import Span

REMEMBERED_TRACES = 10_000

IDS = ("gen_ai.tool.call.id", "tool_call.id", "tool.id")
NAMES = ("gen_ai.tool.name", "tool.name", "traceloop.entity.name")
ARGUMENTS = (
    *("gen_ai.tool.call.arguments", "tool_arguments", "input.value", "traceloop.entity.input"),
    "tool.parameters",
)
RESULTS = ("gen_ai.tool.call.result", "tool_response", "output.value", "traceloop.entity.output")

Key = tuple[UUID, bytes]
"""A user and a trace."""


class Use(msgspec.Struct, frozen=True):
    """The use of a tool: the id of the call that asked for it, if told, and a tool update."""

    call_id: str | None
    name: str
    update: Fields

    @property
    def key(self) -> str:
        """What the call that asked for it is looked for by."""
        return f"name {self.name}" if self.call_id is None else f"id {self.call_id}"


class Place(msgspec.Struct, frozen=True):
    """The task that asked for a tool, and its run; None: the one of its messages."""

    task_id: UUID
    run_id: UUID | None


def use_of(span: Span) -> Use:
    """Return the use that a tool's span is."""
    given = span.attributes
    call_id, name = _first(given, IDS), _first(given, NAMES) or span.name
    update = tool_call(call_id or span.span_id.hex(), name[:200], _value(given, ARGUMENTS))
    result, began, errors = _value(given, RESULTS), span.began_at, errors_of(span)
    if result is not None:
        update["result"] = text_in(result)
    if errors is not None:
        update["error"] = errors
    if began is not None:
        update["started_at"] = began.isoformat()
    if span.seconds is not None:
        update["seconds"] = span.seconds
    return Use(call_id, name, update)


class Calls:
    """What the latest traces asked for, of one process."""

    def __init__(self) -> None:
        self._asked: OrderedDict[Key, dict[str, Place]] = OrderedDict()

    def remember(self, user_id: UUID, span: Span, event: TaskEvent) -> None:
        """Note the tools that a model's answer asks for, by id and by name."""
        calls = event.response.tool_calls if event.response else None
        if not calls:
            return
        known = self._asked.setdefault((user_id, span.trace_id), {})
        self._asked.move_to_end((user_id, span.trace_id))
        place = Place(event.id, event.run_id)
        for call in calls:
            known[f"id {call['id']}"] = place
            known[f"name {call['function']['name']}"] = place
        while len(self._asked) > REMEMBERED_TRACES:
            self._asked.popitem(last=False)

    def asker(self, user_id: UUID, span: Span, use: Use) -> Place | None:
        """Return the task that asked for a use: by the call's id, else the last by its name."""
        return self._asked.get((user_id, span.trace_id), {}).get(use.key)


def _first(given: Fields, names: tuple[str, ...]) -> str | None:
    return next((str(given[name]) for name in names if given.get(name)), None)


def _value(given: Fields, names: tuple[str, ...]) -> object:
    return next((given[name] for name in names if given.get(name) is not None), None)

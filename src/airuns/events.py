"""What happened, as programs tell it: the events of POST /api/events, as JSON or msgpack.

The SDK writes them, the recorder reads them; the gateway, OpenTelemetry and imports of calls make
the same ones. An event is idempotent by its `id` (a UUID of the sender's own, version 7 at best):
sending one again changes nothing. Events may come in any order: one that names a message which is
not there yet waits for it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from airuns.wire import Message, Name, SourceType, Tags

Protocol = Literal["openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages"]
TaskStatus = Literal["pending", "streaming", "completed", "error", "timeout", "cancelled"]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Model = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
SourceId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Provider = Annotated[str, msgspec.Meta(max_length=100)]
Url = Annotated[str, msgspec.Meta(max_length=2000)]


class Event(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """Something that happened. `at` is when (with a time zone); None: when it is stored."""

    id: UUID
    at: datetime | None = None


class RunEvent(Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="run"):
    """A run began or changed; what is left out stays as it is.

    A run also begins by itself when a message or a task names it.
    """

    source_type: SourceType | UnsetType = UNSET
    source_id: SourceId | None | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Annotated[str, msgspec.Meta(max_length=10000)] | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    variable_values: dict[str, Any] | UnsetType = UNSET
    broker_values: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    status: Literal["active", "completed", "error"] | UnsetType = UNSET


class MessageEvent(Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="message"):
    """A message was added to a run, below `parent_id` (left out: at its end; null: at its root).

    `task_id` is the task whose answer it is.
    """

    run_id: UUID
    message: Message
    parent_id: UUID | None | UnsetType = UNSET
    task_id: UUID | None = None
    metadata: dict[str, Any] = {}


class TaskEvent(Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="task"):
    """A request to a model, or how far it has come: `id` is the task's, and the same in each event.

    What it was asked is `messages`, the whole conversation as it was sent, of which only what is
    new is stored; or `request_message_id`, the message that it was asked at. Without `run_id` the
    run is the one that has the conversation so far, else a new one, which begins with `source_*`,
    `name` and `tags`. `request` is the rest of the request (temperature, tools, …). `at` is when it
    was asked; an end without `completed_at` was `total_time` after that.

    A later event adds what it gives; once the task has ended, only what was unknown. Tokens:
    `tokens_input` counts all input, also what was read from a cache or written to one; unknown is
    null. `cost` is in USD, at most 10^12; when it is left out, it is computed. Times in seconds.
    """

    run_id: UUID | None = None
    status: TaskStatus = "completed"
    messages: list[Message] | None = None
    request_message_id: UUID | None = None
    request: dict[str, Any] | None = None
    service: Short | None = None
    task_name: Short | None = None
    provider: Provider | None = None
    endpoint: Url | None = None
    model: Model | None = None
    response_text: str | None = None
    response: Message | None = None
    response_data: dict[str, Any] | None = None
    response_info: dict[str, Any] | None = None
    response_errors: dict[str, Any] | None = None
    tool_updates: list[dict[str, Any]] | None = None
    response_metadata: dict[str, Any] | None = None
    tokens_input: Count | None = None
    tokens_output: Count | None = None
    tokens_cache_read: Count | None = None
    tokens_cache_write_5m: Count | None = None
    tokens_cache_write_1h: Count | None = None
    tokens_reasoning: Count | None = None
    usage_estimated: bool = False
    cost: Decimal | None = None
    time_to_first_token: Seconds | None = None
    total_time: Seconds | None = None
    completed_at: datetime | None = None
    source_type: SourceType | None = None
    source_id: SourceId | None = None
    name: Name | None = None
    tags: Tags = []
    metadata: dict[str, Any] = {}


class CallEvent(Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="call"):
    """A whole call of a model's endpoint, in the words of its protocol; `id` is the task's.

    `request` is the body that was sent, `response` the body that came, as text: a JSON document, or
    the server-sent events of a stream as far as they came. The rest is as in TaskEvent; the server
    reads messages, answer and tokens out of the bodies. `error` says why there is no whole answer.
    """

    protocol: Protocol
    request: dict[str, Any]
    response: str | None = None
    http_status: Annotated[int, msgspec.Meta(ge=100, le=599)] | None = None
    error: dict[str, Any] | None = None
    status: Literal["completed", "error", "timeout", "cancelled"] | None = None
    run_id: UUID | None = None
    service: Short | None = None
    task_name: Short | None = None
    provider: Provider | None = None
    endpoint: Url | None = None
    time_to_first_token: Seconds | None = None
    total_time: Seconds | None = None
    response_info: dict[str, Any] | None = None
    response_metadata: dict[str, Any] | None = None
    source_type: SourceType | None = None
    source_id: SourceId | None = None
    name: Name | None = None
    tags: Tags = []
    metadata: dict[str, Any] = {}


AnyEvent = RunEvent | MessageEvent | TaskEvent | CallEvent


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was not stored: its place in the batch, its id if it could be read, and why.

    `field` is what is at fault, as a path, if it is one field.
    """

    index: int
    id: UUID | None
    field: str | None
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: `stored` is durable (also what was there before), `waiting` is kept.

    An event waits until the message that it names has come.
    """

    stored: int
    waiting: int
    refused: list[Refusal]

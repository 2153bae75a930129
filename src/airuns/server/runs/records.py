"""Rows of the heart as frozen structs: what the store returns and the API shows."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.runs.rules import Turn, turn_of


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation. Totals are null when nothing is known of any ended task; cost is in USD."""

    id: UUID
    source_type: str
    source_id: str | None
    prompt_id: UUID | None
    prompt_version: int | None
    name: str
    description: str
    tags: list[str]
    settings: dict[str, Any]
    variable_values: dict[str, Any]
    broker_values: dict[str, Any]
    attachments: list[dict[str, Any]]
    metadata: dict[str, Any]
    status: str
    is_starred: bool
    head_message_id: UUID | None
    total_tokens: int | None
    total_cost: Decimal | None
    message_count: int
    task_count: int
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run as lists show it.

    `preview` is how its last message begins; `last_task_status` is null before the first task and
    pending while the newest one runs.
    """

    id: UUID
    source_type: str
    source_id: str | None
    prompt_id: UUID | None
    name: str
    tags: list[str]
    status: str
    is_starred: bool
    model: str | None
    message_count: int
    task_count: int
    total_tokens: int | None
    total_cost: Decimal | None
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    preview: str
    last_task_status: str | None


class LockedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer needs of the run whose row it has locked: its head, above all."""

    id: UUID
    prompt_id: UUID | None
    settings: dict[str, Any]
    variable_values: dict[str, Any]
    head_message_id: UUID | None


class Node(msgspec.Struct, frozen=True):
    """A place in the tree, which is all that is needed to add a child to it."""

    id: UUID
    depth: int
    chain_hash: bytes


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the tree with what it says."""

    id: UUID
    run_id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: str
    data: dict[str, Any] | None
    chain_hash: bytes
    task_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime

    @property
    def node(self) -> Node:
        return Node(self.id, self.depth, self.chain_hash)


class LineMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a line, with the ids of its versions (itself included), oldest first."""

    id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: str
    data: dict[str, Any] | None
    task_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime
    siblings: list[UUID]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model. Times in seconds, cost in USD; null is unknown.

    `request_hash` is the SHA-256 of the whole request, in hexadecimal. `key_id` is the API key that
    submitted it, null for a browser.
    """

    task_id: UUID
    run_id: UUID
    source_type: str
    prompt_id: UUID | None
    key_id: UUID | None
    request_message_id: UUID | None
    service: str
    task_name: str
    provider: str | None
    endpoint: str | None
    model: str | None
    model_id: UUID | None
    request_data: dict[str, Any]
    request_hash: str | None
    response_text: str
    response_data: Any
    response_info: Any
    response_errors: Any
    tool_updates: Any
    response_metadata: Any
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    usage_estimated: bool
    cost: Decimal | None
    price: Any
    time_to_first_token: float | None
    total_time: float | None
    status: str
    process_id: UUID | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task as lists show it: no text."""

    task_id: UUID
    run_id: UUID
    prompt_id: UUID | None
    service: str
    task_name: str
    provider: str | None
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None
    status: str
    created_at: datetime
    completed_at: datetime | None


class TaskEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a task ended; see Task for the fields."""

    status: str
    response_text: str
    response_data: Any = None
    response_info: Any = None
    response_errors: Any = None
    tool_updates: Any = None
    response_metadata: Any = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    tokens_total: int | None = None
    tokens_cache_read: int | None = None
    tokens_cache_write_5m: int | None = None
    tokens_cache_write_1h: int | None = None
    tokens_reasoning: int | None = None
    usage_estimated: bool = False
    cost: Decimal | None = None
    price: Any = None
    time_to_first_token: float | None = None
    total_time: float | None = None

    @property
    def answer(self) -> Turn | None:
        """The message that the answer adds to the run; None when nothing came."""
        data: dict[str, Any] = self.response_data or {}
        calls = data.get("tool_calls")
        if not self.response_text and not calls:
            return None
        message: dict[str, Any] = {"role": "assistant", "content": self.response_text or None}
        return turn_of({**message, "tool_calls": calls} if calls else message)

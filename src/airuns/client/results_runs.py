"""What the API answers: runs. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
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
    total_cost: str | None
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    preview: str
    last_task_status: str | None


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: Any
    task_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime
    versions: list[UUID]
    name: str | None = None
    tool_calls: Any | None = None
    tool_call_id: str | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
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
    total_cost: str | None
    message_count: int
    task_count: int
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime
    archived_at: datetime | None
    deleted_at: datetime | None
    messages: list[MessageView]
    earlier_messages: int
    running_tasks: list[UUID]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    runs: int
    messages: int
    tokens: int | None
    cost: str | None
    unpriced: int


class Used(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    count: int


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Used]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    action: str
    tag: str | None
    count: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    items: list[MessageView]
    earlier_messages: int


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
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
    cost: str | None
    time_to_first_token: float | None
    total_time: float | None
    status: str
    created_at: datetime
    completed_at: datetime | None


class Task(msgspec.Struct, frozen=True, kw_only=True):
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
    cost: str | None
    price: Any
    time_to_first_token: float | None
    total_time: float | None
    status: str
    process_id: UUID | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

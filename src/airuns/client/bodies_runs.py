"""What the API is asked: runs. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Any, Literal, Required, TypedDict
from uuid import UUID


class Message(TypedDict, total=False):
    role: Required[Literal["system", "developer", "user", "assistant", "tool"]]
    content: Required[list[dict[str, Any]] | str | None]
    name: str | None
    tool_calls: list[dict[str, Any]] | None
    tool_call_id: str | None


class Execute(TypedDict, total=False):
    prompt_id: UUID | str | None
    prompt_version: int | None
    messages: list[Message]
    variables: dict[str, Any] | None
    broker_values: dict[str, Any]
    model: str | None
    settings: dict[str, Any]
    run_id: UUID | str | None
    parent_id: UUID | str | None
    task_id: UUID | str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    source_id: str | None
    name: str | None
    tags: list[str]
    metadata: dict[str, Any]
    stream: bool
    track: bool


class CreateRun(TypedDict, total=False):
    id: UUID | str | None
    source_type: Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"]
    source_id: str | None
    name: str | None
    description: str
    tags: list[str]
    settings: dict[str, Any]
    variable_values: dict[str, Any]
    broker_values: dict[str, Any]
    attachments: list[dict[str, Any]]
    metadata: dict[str, Any]


class RunQuery(TypedDict, total=False):
    q: str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    source_id: str | None
    prompt_id: UUID | str | None
    status: Literal["active", "completed", "error"] | None
    last_status: Literal["pending", "completed", "error", "timeout", "cancelled"] | None
    starred: bool | None
    tag: str | None
    model: str | None
    since: datetime | str | None
    before: datetime | str | None
    archived: bool | None
    deleted: bool


class ChangeRuns(TypedDict, total=False):
    action: Required[
        Literal["star", "unstar", "archive", "unarchive", "delete", "restore", "tag", "untag"]
    ]
    tag: str | None
    ids: list[UUID | str] | None
    filter: RunQuery | None


class ChangeRun(TypedDict, total=False):
    name: str | None
    description: str | None
    tags: list[str] | None
    settings: dict[str, Any] | None
    metadata: dict[str, Any] | None
    status: Literal["active", "completed", "error"] | None
    is_starred: bool | None
    archived: bool | None
    head_message_id: UUID | str | None


class ForkRun(TypedDict, total=False):
    message_id: UUID | str | None
    name: str | None


class AddMessage(TypedDict, total=False):
    role: Required[Literal["system", "developer", "user", "assistant", "tool"]]
    content: Required[list[dict[str, Any]] | str | None]
    name: str | None
    tool_calls: list[dict[str, Any]] | None
    tool_call_id: str | None
    parent_id: UUID | str | None
    task_id: UUID | str | None
    metadata: dict[str, Any]


class CreateTask(TypedDict, total=False):
    run_id: Required[UUID | str]
    task_id: UUID | str | None
    service: str
    task_name: str
    provider: str | None
    endpoint: str | None
    model: str | None
    request_message_id: UUID | str | None
    request_data: dict[str, Any]


class UpdateTask(TypedDict, total=False):
    status: str
    response_text: str | None
    response_data: dict[str, Any] | None
    response_info: dict[str, Any] | None
    tool_updates: list[dict[str, Any]] | None
    response_metadata: dict[str, Any] | None
    time_to_first_token: float | None


class CompleteTask(TypedDict, total=False):
    status: Literal["completed", "error", "timeout", "cancelled"]
    response_text: str | None
    response_data: dict[str, Any] | None
    response_info: dict[str, Any] | None
    response_errors: dict[str, Any] | None
    tool_updates: list[dict[str, Any]] | None
    response_metadata: dict[str, Any] | None
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    time_to_first_token: float | None
    total_time: float | None


class RetryTask(TypedDict, total=False):
    task_id: UUID | str | None
    model: str | None
    settings: dict[str, Any]
    stream: bool


class ListRunsQuery(TypedDict, total=False):
    q: str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    source_id: str | None
    prompt_id: UUID | str | None
    status: Literal["active", "completed", "error"] | None
    last_status: Literal["pending", "completed", "error", "timeout", "cancelled"] | None
    starred: bool | None
    tag: str | None
    model: str | None
    since: datetime | str | None
    before: datetime | str | None
    archived: bool | None
    deleted: bool
    sort: Literal["recent", "oldest", "name", "messages", "cost"]
    cursor: str | None
    limit: int | None


class TotalRunsQuery(TypedDict, total=False):
    q: str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    source_id: str | None
    prompt_id: UUID | str | None
    status: Literal["active", "completed", "error"] | None
    last_status: Literal["pending", "completed", "error", "timeout", "cancelled"] | None
    starred: bool | None
    tag: str | None
    model: str | None
    since: datetime | str | None
    before: datetime | str | None
    archived: bool | None
    deleted: bool


class GetRunQuery(TypedDict, total=False):
    window: int


class DeleteRunQuery(TypedDict, total=False):
    purge: bool


class ListMessagesQuery(TypedDict, total=False):
    before: UUID | str | None
    end: UUID | str | None
    limit: int | None


class ListTasksQuery(TypedDict, total=False):
    run_id: UUID | str | None
    prompt_id: UUID | str | None
    status: Literal["pending", "streaming", "completed", "error", "timeout", "cancelled"] | None
    model: str | None
    cursor: str | None
    limit: int | None


class TaskEventsQuery(TypedDict, total=False):
    offset: int

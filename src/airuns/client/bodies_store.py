"""What the API is asked: store. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Literal, Required, TypedDict
from uuid import UUID

from airuns.client.bodies_runs import RunQuery


class MeChange(TypedDict, total=False):
    display_name: Required[str]


class PasswordChange(TypedDict, total=False):
    new_password: Required[str]
    current_password: str | None


class NewKey(TypedDict, total=False):
    name: Required[str]


class KeyChange(TypedDict, total=False):
    requests_per_minute: int | None


class NewUser(TypedDict, total=False):
    username: Required[str]
    display_name: str | None
    password: str | None


class UserChange(TypedDict, total=False):
    is_active: Required[bool]


class NewExport(TypedDict, total=False):
    format: Required[Literal["text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf"]]
    ids: list[UUID | str] | None
    filter: RunQuery | None
    everything: bool
    branches: Literal["current", "all"]


class Rule(TypedDict, total=False):
    action: Required[Literal["archive", "delete", "purge"]]
    days: int
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    tag: str | None
    starred: bool


class Rules(TypedDict, total=False):
    rules: Required[list[Rule]]


class EmptyTrash(TypedDict, total=False):
    filter: RunQuery


class ListKeysQuery(TypedDict, total=False):
    limit: int | None
    cursor: str | None


class ListSessionsQuery(TypedDict, total=False):
    limit: int | None
    cursor: str | None


class ListUsersQuery(TypedDict, total=False):
    limit: int | None
    cursor: str | None


class EraseUserQuery(TypedDict, total=False):
    confirm: Required[str]


class AddAttachmentQuery(TypedDict, total=False):
    name: str


class ExportRunQuery(TypedDict, total=False):
    format: Literal["text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf"]
    branches: Literal["current", "all"]


class ExportRunsQuery(TypedDict, total=False):
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
    format: Literal["text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf"]
    branches: Literal["current", "all"]
    ids: list[UUID | str] | None


class ListExportsQuery(TypedDict, total=False):
    cursor: str | None
    limit: int | None


class SearchRunsQuery(TypedDict, total=False):
    q: str
    sort: Literal["relevance", "date"]
    zone: str
    typing: bool
    cursor: str | None
    limit: int | None

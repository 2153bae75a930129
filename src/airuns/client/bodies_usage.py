"""What the API is asked: usage. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Literal, Required, TypedDict
from uuid import UUID


class AddBudget(TypedDict, total=False):
    name: Required[str]
    period: Required[Literal["day", "week", "month"]]
    limit: Required[str]
    is_hard: bool
    key_id: UUID | str | None
    prompt_id: UUID | str | None


class ChangeBudget(TypedDict, total=False):
    name: str | None
    period: Literal["day", "week", "month"] | None
    limit: str | None
    is_hard: bool | None


class GetDashboardQuery(TypedDict, total=False):
    since: datetime | str | None
    until: datetime | str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    prompt_id: UUID | str | None
    version: int | None
    provider: str | None
    model: str | None
    key_id: UUID | str | None
    status: Literal["completed", "error", "timeout", "cancelled"] | None
    tag: str | None
    step: Literal["hour", "day", "week", "month"] | None
    zone: str
    by: Literal["model", "provider", "prompt", "version", "source", "key", "tag", "status"]
    top: int


class GetTableQuery(TypedDict, total=False):
    since: datetime | str | None
    until: datetime | str | None
    source_type: (
        Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"] | None
    )
    prompt_id: UUID | str | None
    version: int | None
    provider: str | None
    model: str | None
    key_id: UUID | str | None
    status: Literal["completed", "error", "timeout", "cancelled"] | None
    tag: str | None
    step: Literal["hour", "day", "week", "month"] | None
    zone: str
    by: Literal["model", "provider", "prompt", "version", "source", "key", "tag", "status"]

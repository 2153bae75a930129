"""What the API answers: store. Written by `python -m tools.client_types`."""

from datetime import datetime
from uuid import UUID

import msgspec

from airuns.client.results_runs import RunRow


class Me(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    username: str
    display_name: str
    is_owner: bool
    session_id: UUID | None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    requests_per_minute: int | None


class CreatedKey(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    prefix: str
    created_at: datetime
    key: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    username: str
    display_name: str
    is_owner: bool
    is_active: bool
    created_at: datetime


class CreatedUser(msgspec.Struct, frozen=True, kw_only=True):
    user: User
    sign_in_link: str | None


class AttachmentView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    media_type: str
    size: int
    kind: str
    sha256: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    everything: bool
    format: str
    branches: str
    state: str
    file_name: str
    media_type: str
    total_runs: int | None
    done_runs: int
    left_out: int
    size: int
    error: str | None
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    id: UUID | None
    reason: str
    place: str | None = None
    title: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    added: dict[str, int] | None = None
    there: dict[str, int] | None = None
    grown: dict[str, int] | None = None
    left_out: dict[str, int] | None = None
    refused: dict[str, int] | None = None
    reasons: list[Refusal] | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    action: str
    days: int | None = None
    source_type: str | None = None
    tag: str | None = None
    starred: bool | None = None


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    started_at: datetime
    ended_at: datetime | None = None
    archived: int | None = None
    deleted: int | None = None
    purged: int | None = None
    prompts: int | None = None
    failure: str | None = None


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    source_type: str | None = None
    source_id: str | None = None
    status: str | None = None
    is_starred: bool | None = None
    tag: str | None = None
    model: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    archived: bool | None = None
    deleted: bool | None = None
    q: str | None = None
    last_status: str | None = None


class Emptying(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    filter: RunFilter
    total: int
    started_at: datetime
    done: int | None = None
    prompts: int | None = None
    ended_at: datetime | None = None
    failure: str | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    rules: list[Rule] | None = None
    due_at: datetime | None = None
    last_pass: Pass | None = None
    emptying: Emptying | None = None
    erase_asked_at: datetime | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    rule: Rule
    runs: int
    messages: int
    oldest: datetime | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Match]


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    is_hit: bool


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    run: RunRow
    name: list[Piece]
    snippet: list[Piece]
    message_id: UUID | None
    role: str | None
    said_at: datetime | None
    at: datetime
    matches: int
    more: int
    path: str
    by: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Hit]
    next_cursor: str | None
    query: str
    notices: list[str]
    is_capped: bool
    waiting: int
    lag_seconds: float

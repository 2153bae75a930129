"""What the API answers: prompts. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    model: str
    fallbacks: list[str]
    created_at: datetime
    updated_at: datetime


class Price(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    input: str | None
    output: str | None
    cache_read: str | None
    cache_write_5m: str | None
    cache_write_1h: str | None


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    provider: str
    name: str
    usable: bool
    remedy: str | None
    context_size: int | None
    price: Price | None


class OwnPrice(msgspec.Struct, frozen=True, kw_only=True):
    input: str
    output: str
    cache_read: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    protocol: str
    base_url: str | None
    source: str | None
    has_key: bool
    usable: bool
    remedy: str | None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    message: str
    status: int | None = None
    models: list[str] | None = None
    seconds: float


class PromptRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str
    tags: list[str]
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    default: bool | float | int | str | None = None
    required: bool | None = None
    description: str | None = None


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str
    tags: list[str]
    version: int
    messages: list[dict[str, Any]]
    variables: list[Variable]
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    runs: int
    messages: int
    tasks: int


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    model: str | None
    created_at: datetime


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    run_id: UUID
    prompt_id: UUID
    prompt_version: int | None
    prompt_text: str | None
    response: str
    model: str | None
    tokens_used: int | None
    cost: str | None
    execution_time_ms: int | None
    status: str
    error_message: str | None
    created_at: datetime

"""What the API answers: usage. Written by `python -m tools.client_types`."""

from datetime import datetime
from uuid import UUID

import msgspec


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    scope: str
    key_id: UUID | None
    prompt_id: UUID | None
    period: str
    limit: str
    is_hard: bool
    since: datetime
    until: datetime
    spent: str
    left: str
    share: float
    state: str
    unpriced: int
    created_at: datetime


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Budget]


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    runs: int | None
    tasks: int
    failed: int
    counted: int
    priced: int
    estimated: int
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    runs: int | None
    tasks: int
    failed: int
    counted: int
    priced: int
    estimated: int
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None
    at: datetime


class Part(msgspec.Struct, frozen=True, kw_only=True):
    runs: int | None
    tasks: int
    failed: int
    counted: int
    priced: int
    estimated: int
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None
    value: str | None
    name: str | None
    provider: str | None = None
    share_of_cost: float | None = None
    share_of_tokens: float | None = None
    runs_query: dict[str, str] | None = None


class VersionPart(msgspec.Struct, frozen=True, kw_only=True):
    runs: int | None
    tasks: int
    failed: int
    counted: int
    priced: int
    estimated: int
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None
    value: str | None
    name: str | None
    provider: str | None = None
    share_of_cost: float | None = None
    share_of_tokens: float | None = None
    runs_query: dict[str, str] | None = None
    version: int | None
    p50_first_token: float | None
    p95_first_token: float | None
    p50_total_time: float | None
    p95_total_time: float | None


class PartPoint(msgspec.Struct, frozen=True, kw_only=True):
    runs: int | None
    tasks: int
    failed: int
    counted: int
    priced: int
    estimated: int
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    cost: str | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None
    at: datetime
    value: str | None
    provider: str | None = None
    is_rest: bool | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    provider: str | None
    model: str | None
    at: datetime | None
    tasks: int
    first_token_tasks: int
    average_first_token: float | None
    p50_first_token: float | None
    p95_first_token: float | None
    p99_first_token: float | None
    total_time_tasks: int
    average_total_time: float | None
    p50_total_time: float | None
    p95_total_time: float | None
    p99_total_time: float | None
    tokens_per_second: float | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    code: str | None
    tasks: int
    runs_query: dict[str, str] | None = None


class FailurePoint(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    status: str
    tasks: int


class ExpensiveRun(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    source_type: str
    prompt_id: UUID | None
    model: str | None
    total_tokens: int | None
    total_cost: str
    last_message_at: datetime


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    spent: str
    daily_mean: str
    days_left: float
    cost: str


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    step: str
    zone: str
    totals: Sums
    before: Sums
    over_time: list[Point]
    by_model: list[Part]
    by_provider: list[Part]
    by_prompt: list[Part]
    by_version: list[VersionPart]
    by_source: list[Part]
    by_key: list[Part]
    by_tag: list[Part]
    by_status: list[Part]
    parts_over_time: list[PartPoint]
    latency: list[Latency]
    latency_over_time: list[Latency]
    latency_total: Latency
    latency_total_over_time: list[Latency]
    errors: list[Failure]
    errors_over_time: list[FailurePoint]
    expensive_runs: list[ExpensiveRun]
    forecast: Forecast | None
    runs_query: dict[str, str] | None

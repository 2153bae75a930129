"""What the dashboard says. Times in seconds, cost in USD; None is unknown, never 0 for it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from airuns.server.usage.filters import Dimension, Step

Link = dict[str, str]
"""The query of /ai/runs and GET /api/runs that lists the runs behind a number."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over ended tasks.

    `runs` are those that began; None where a run has no such thing (a model, a key, a status).
    `counted` tasks have known tokens and `priced` ones a known cost: sums have only those, and are
    None when there are tasks and none of them is known. `failed` ended as error or timeout.
    """

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
    cost: Decimal | None
    average_first_token: float | None
    average_total_time: float | None
    tokens_per_second: float | None


class Point(Sums, frozen=True, kw_only=True):
    """The sums of one step of the time, which begins at `at`."""

    at: datetime


class Part(Sums, frozen=True, kw_only=True):
    """The sums of one model, prompt, …

    `value` is what to filter by (None: what has none), `name` what people call it. Shares are of
    all that the filter has, 0 to 1; `runs_query` is None where runs have no such filter.
    """

    value: str | None
    name: str | None
    provider: str | None = None
    share_of_cost: float | None = None
    share_of_tokens: float | None = None
    runs_query: Link | None = None


class VersionPart(Part, frozen=True, kw_only=True):
    """The sums of one version of a prompt (None: of none), and how long its answers took."""

    version: int | None
    p50_first_token: float | None
    p95_first_token: float | None
    p50_total_time: float | None
    p95_total_time: float | None


class PartPoint(Sums, frozen=True, kw_only=True):
    """The sums of one model, prompt, … in one step of the time, or of all that are not shown."""

    at: datetime
    value: str | None
    provider: str | None = None
    is_rest: bool = False


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long a model took, or all of them: averages are exact, percentiles right within 5 %.

    `at` is the step of the time, None for the whole of it.
    """

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
    """How many tasks did not complete, by status and the code that the provider gave."""

    status: str
    code: str | None
    tasks: int
    runs_query: Link | None = None


class FailurePoint(msgspec.Struct, frozen=True, kw_only=True):
    """How many tasks ended so in one step of the time."""

    at: datetime
    status: str
    tasks: int


class ExpensiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run whose last message is in the time, and what all of it cost."""

    id: UUID
    name: str
    source_type: str
    prompt_id: UUID | None
    model: str | None
    total_tokens: int | None
    total_cost: Decimal
    last_message_at: datetime


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What this month (UTC) will cost: spent so far, and the daily mean for the days left.

    The mean is over the last 28 whole days, or as many as there are since the first cost.
    """

    spent: Decimal
    daily_mean: Decimal
    days_left: float
    cost: Decimal


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a time: its sums beside those of the same time before, in steps, by what.

    `by_version` is empty unless one prompt is asked for.
    """

    since: datetime
    until: datetime
    step: Step
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
    runs_query: Link | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard, and every value that filters may have: (value, name), what costs most first.

    `counts` says how many parts each breakdown has, of which the dashboard has the first.
    """

    dashboard: Dashboard
    values: dict[Dimension, list[tuple[str, str]]]
    counts: dict[Dimension, int]


class PromptUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one prompt was used for in a time, as a whole and by version, the newest first."""

    since: datetime
    until: datetime
    totals: Sums
    latency: Latency
    versions: list[VersionPart]

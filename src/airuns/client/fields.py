"""What can be said of runs and tasks, as keyword arguments; airuns.events says what each means."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict

from airuns.wire import SourceType


class RunFields(TypedDict, total=False):
    """What a run has; what is left out stays as it is."""

    source_type: SourceType
    source_id: str | None
    name: str
    description: str
    tags: list[str]
    settings: dict[str, Any]
    variable_values: dict[str, Any]
    broker_values: dict[str, Any]
    metadata: dict[str, Any]
    status: Literal["active", "completed", "error"]


class TaskFields(TypedDict, total=False):
    """How a task stands: tokens are counts, `cost` is in USD, times are in seconds."""

    model: str
    provider: str
    endpoint: str
    service: str
    task_name: str
    request: dict[str, Any]
    response_data: dict[str, Any]
    response_info: dict[str, Any]
    response_errors: dict[str, Any]
    response_metadata: dict[str, Any]
    tool_updates: list[dict[str, Any]]
    tokens_input: int | None
    tokens_output: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float
    total_time: float
    completed_at: datetime
    metadata: dict[str, Any]

"""What a task came to, as the API and the live events say it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.money import Usd
from airuns.server.runs.execution import Execution
from airuns.server.runs.records import Task, TaskEnd

FINAL_EVENT = {
    "completed": "task.completed",
    "error": "task.error",
    "timeout": "task.error",
    "cancelled": "task.cancelled",
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a task ended, or how far it is. Cost in USD, times in seconds; null is unknown."""

    run_id: UUID | None
    task_id: UUID
    status: str
    response_text: str
    response_data: Any
    response_errors: Any
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None

    @property
    def event(self) -> tuple[str, dict[str, Any]]:
        """The name and data of the task's last event."""
        return FINAL_EVENT[self.status], msgspec.structs.asdict(self)


def of_task(task: Task) -> Result:
    """Return the result of a stored task."""
    values = msgspec.structs.asdict(task)
    return _result(values | {"model": _model(task.provider, task.model)})


def of_end(execution: Execution, ending: TaskEnd) -> Result:
    """Return the result of a task that has just ended."""
    about = {
        "run_id": execution.run_id,
        "task_id": execution.task_id,
        "model": _model(execution.call.endpoint.name, execution.call.model),
        "cost": None if ending.cost is None else Usd(ending.cost),
    }
    return _result(msgspec.structs.asdict(ending) | about)


def _result(values: dict[str, Any]) -> Result:
    return Result(**{name: values[name] for name in Result.__struct_fields__})


def started(execution: Execution) -> dict[str, Any]:
    """Return the data of a running task's first event."""
    model = _model(execution.call.endpoint.name, execution.call.model)
    return {"run_id": execution.run_id, "model": model, "status": "pending"}


def started_before(task: Task) -> dict[str, Any]:
    """Return the data of a stored task's first event."""
    model = _model(task.provider, task.model)
    return {"task_id": task.task_id, "run_id": task.run_id, "model": model, "status": task.status}


def _model(provider: str | None, model: str | None) -> str | None:
    """Return a model's name as a request names it: provider/model."""
    return f"{provider}/{model}" if provider and model else model

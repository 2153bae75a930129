"""Runs and tasks as CSV, for spreadsheets."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from airuns.server.downloads import BOM, line
from airuns.server.exports.reading import Done, Piece, Reader, Rows

RUN_COLUMNS = (
    *("id", "name", "source_type", "source_id", "model", "status", "last_task_status", "tags"),
    *("is_starred", "message_count", "task_count", "total_tokens", "total_cost", "created_at"),
    *("updated_at", "last_message_at", "archived_at", "deleted_at", "preview"),
)
TASK_COLUMNS = (
    *("task_id", "run_id", "run_name", "source_type", "prompt_id", "key_id", "service"),
    *("task_name", "provider", "endpoint", "model", "status", "tokens_input", "tokens_output"),
    *("tokens_total", "tokens_cache_read", "tokens_cache_write_5m", "tokens_cache_write_1h"),
    *("tokens_reasoning", "usage_estimated", "cost", "time_to_first_token", "total_time"),
    *("created_at", "updated_at", "completed_at", "error", "response_text"),
)


async def runs(reader: Reader) -> AsyncIterator[Piece]:
    """Yield a row for each run, and say when each is done."""
    yield BOM + line(RUN_COLUMNS)
    async for group in reader.groups():
        for run in group:
            yield line([getattr(run, name) for name in RUN_COLUMNS])
            yield Done(run)


async def tasks(reader: Reader) -> AsyncIterator[Piece]:
    """Yield a row for each task of the runs, and say when each is done."""
    yield BOM + line(TASK_COLUMNS)
    async for group in reader.groups():
        keys = await reader.keys("task_keys", [run.id for run in group])
        rows = Rows(reader, "task_records", keys, "task_id")
        for number, run in enumerate(group):
            async for task in rows.of_run(number):
                values = {**task, "run_name": run.name, "error": _error(task["response_errors"])}
                yield line([values[name] for name in TASK_COLUMNS])
            yield Done(run)


def _error(errors: str | None) -> str | None:
    found: dict[str, Any] = msgspec.json.decode(errors, type=dict[str, Any]) if errors else {}
    return found.get("message")

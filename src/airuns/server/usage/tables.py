"""Every table of the dashboard as CSV: one list of records, one row each."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from airuns.server.downloads import BOM, line
from airuns.server.usage.records import Dashboard

TableName = Literal[
    "over_time",
    "by_model",
    "by_provider",
    "by_prompt",
    "by_version",
    "by_source",
    "by_key",
    "by_tag",
    "by_status",
    "parts_over_time",
    "latency",
    "latency_over_time",
    "errors",
    "errors_over_time",
    "expensive_runs",
]
TABLES: dict[TableName, Callable[[Dashboard], Sequence[msgspec.Struct]]] = {
    "over_time": lambda board: board.over_time,
    "by_model": lambda board: board.by_model,
    "by_provider": lambda board: board.by_provider,
    "by_prompt": lambda board: board.by_prompt,
    "by_version": lambda board: board.by_version,
    "by_source": lambda board: board.by_source,
    "by_key": lambda board: board.by_key,
    "by_tag": lambda board: board.by_tag,
    "by_status": lambda board: board.by_status,
    "parts_over_time": lambda board: board.parts_over_time,
    "latency": lambda board: board.latency,
    "latency_over_time": lambda board: board.latency_over_time,
    "errors": lambda board: board.errors,
    "errors_over_time": lambda board: board.errors_over_time,
    "expensive_runs": lambda board: board.expensive_runs,
}
LINKS = "runs_query"


def as_csv(rows: Sequence[msgspec.Struct]) -> bytes:
    """Return records as CSV with a header, nothing for no records; links are left out."""
    if not rows:
        return BOM
    names = [name for name in rows[0].__struct_fields__ if name != LINKS]
    return b"".join(
        [BOM + line(names), *(line([getattr(row, name) for name in names]) for row in rows)]
    )

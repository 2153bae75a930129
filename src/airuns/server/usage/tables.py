"""Every table of the dashboard as CSV (RFC 4180): one list of records, one row each.

A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from airuns.server.money import plain
from airuns.server.usage.records import Dashboard

TableName = Literal[
    "over_time",
    "by_model",
    "by_provider",
    "by_prompt",
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
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
LINKS = "runs_query"


def as_csv(rows: Sequence[msgspec.Struct]) -> str:
    """Return records as CSV with a header, nothing for no records; links are left out."""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, row in enumerate(rows):
        values = msgspec.structs.asdict(row)
        values.pop(LINKS, None)
        if number == 0:
            writer.writerow(values)
        writer.writerow(_cell(value) for value in values.values())
    return out.getvalue()


def _cell(value: Any) -> str:
    """Return a value as a cell: unknown is empty, times ISO 8601 in UTC, amounts plain."""
    match value:
        case None:
            return ""
        case datetime():
            return msgspec.to_builtins(value)
        case Decimal():
            return plain(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case _:
            return str(value)

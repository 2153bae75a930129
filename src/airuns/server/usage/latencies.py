"""How long answers took: averages and percentiles, of each model and of all, over time."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.usage.filters import UsageFilter, clauses, moments, span_of
from airuns.server.usage.histograms import percentiles
from airuns.server.usage.records import Latency

SQL = queries.load(__package__ or "", "store.sql")

TIMED = ("first_token_tasks", "first_token_us", "total_time_tasks", "total_time_us")
# What `groups` of the query of latencies says that a row is of.
OF_MODELS_BY_STEP, OF_MODELS, OF_ALL_BY_STEP, OF_ALL = range(4)


async def latencies(tx: Transaction, user_id: UUID, which: UsageFilter) -> dict[int, list[Latency]]:
    """Return how long answers took: of each model (most tasks first) and of all, also by step."""
    span = span_of(which)
    text, params = clauses(which)
    query = SQL["latencies"].format(step=span.step, view=span.view, filters=text)
    rows = await tx.rows(query, user_id=user_id, **moments(span), **params, zone=span.zone)
    found = [
        (row["groups"], _latency(row)) for row in rows if row["tasks"] or row["groups"] == OF_ALL
    ]
    found.sort(key=lambda each: (-each[1].tasks, str(each[1].at)))
    return {
        about: [latency for groups, latency in found if groups == about]
        for about in (OF_MODELS, OF_MODELS_BY_STEP, OF_ALL, OF_ALL_BY_STEP)
    }


def _latency(row: dict[str, Any]) -> Latency:
    first, total = (
        percentiles(row[f"{name}_histogram"] or Decimal(0), 0.5, 0.95, 0.99)
        for name in ("first_token", "total_time")
    )
    names = (*("tasks", "generated_tokens", "generated_us"), *TIMED)
    counts = {name: int(row[name] or 0) for name in names}
    return Latency(
        provider=row["provider"],
        model=row["model"],
        at=row["step"] if row["groups"] in (OF_MODELS_BY_STEP, OF_ALL_BY_STEP) else None,
        tasks=counts["tasks"],
        first_token_tasks=counts["first_token_tasks"],
        average_first_token=ratio(counts["first_token_us"], counts["first_token_tasks"], 1e6),
        p50_first_token=first[0],
        p95_first_token=first[1],
        p99_first_token=first[2],
        total_time_tasks=counts["total_time_tasks"],
        average_total_time=ratio(counts["total_time_us"], counts["total_time_tasks"], 1e6),
        p50_total_time=total[0],
        p95_total_time=total[1],
        p99_total_time=total[2],
        tokens_per_second=ratio(counts["generated_tokens"] * 1e6, counts["generated_us"]),
    )


def ratio(amount: float, count: int, unit: float = 1) -> float | None:
    """Return a mean in other units; None of nothing."""
    return amount / count / unit if count else None

"""How long answers took: averages and percentiles, of each model and of all, over time."""

from collections.abc import Iterable

from airuns.server.usage.histograms import percentiles
from airuns.server.usage.reading import Row
from airuns.server.usage.records import Latency

TIMES = ("first_token", "total_time")


def latencies(rows: Iterable[Row]) -> list[Latency]:
    """Return how long answers took, of each row with tasks: most tasks first."""
    found = [latency(row) for row in rows if row["tasks"]]
    return sorted(found, key=_rank)


def _rank(of: Latency) -> tuple[int, str, str, str]:
    return (-of.tasks, str(of.at), of.provider or "", of.model or "")


def latency(row: Row) -> Latency:
    """Return how long the answers of a row took; its value is a model, or none."""
    first, total = (
        percentiles(row.get(f"{name}_histogram") or "0", 0.5, 0.95, 0.99) for name in TIMES
    )
    firsts, totals = row.get("first_token_tasks", 0), row.get("total_time_tasks", 0)
    return Latency(
        provider=row.get("detail") or None,
        model=row.get("value") or None,
        at=row.get("step"),
        tasks=row.get("tasks", 0),
        first_token_tasks=firsts,
        average_first_token=ratio(row.get("first_token_us", 0), firsts, 1e6),
        p50_first_token=first[0],
        p95_first_token=first[1],
        p99_first_token=first[2],
        total_time_tasks=totals,
        average_total_time=ratio(row.get("total_time_us", 0), totals, 1e6),
        p50_total_time=total[0],
        p95_total_time=total[1],
        p99_total_time=total[2],
        tokens_per_second=ratio(row.get("generated_tokens", 0) * 1e6, row.get("generated_us", 0)),
    )


def ratio(amount: float, count: int, unit: float = 1) -> float | None:
    """Return a mean in other units; None of nothing."""
    return amount / count / unit if count else None

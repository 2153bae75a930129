"""The rows that were read, as the records of the dashboard."""

from decimal import Decimal
from typing import Any, TypeVar

from airuns.server.money import Usd
from airuns.server.usage.filters import Dimension, Span, UsageFilter
from airuns.server.usage.latencies import latency, ratio
from airuns.server.usage.links import runs_query
from airuns.server.usage.reading import PLAIN, TOKENS, Key, Row, Shown
from airuns.server.usage.records import (
    Failure,
    FailurePoint,
    Part,
    PartPoint,
    Point,
    Sums,
    VersionPart,
)

S = TypeVar("S", bound=Sums)

OF_RUNS: tuple[Dimension, ...] = ("prompt", "version", "source", "tag")
"""What runs have; the rest only tasks have."""


NO_COST = Usd(0)
NOTHING: Row = dict.fromkeys(PLAIN, 0) | {"cost": NO_COST}

BREAKDOWN: dict[Dimension, Shown] = {
    "model": "model",
    "provider": "provider",
    "prompt": "prompt",
    "version": "version",
    "source": "source",
    "key": "key",
    "tag": "tag",
    "status": "outcome",
}
"""The rows of a whole time that a breakdown has."""


def one(row: Row, which: UsageFilter) -> Sums:
    """Return the sums of a row, or of nothing."""
    return _read(Sums, row, has_runs=_has_runs(which))


def points(rows: list[Row], which: UsageFilter, span: Span) -> list[Point]:
    """Return a point for each step, also for those in which nothing was used."""
    found, has_runs = {row["step"]: row for row in rows}, _has_runs(which)
    return [_read(Point, found.get(at, {}), has_runs=has_runs, at=at) for at in span.steps()]


def part_points(rows: list[Row], which: UsageFilter, of: Dimension) -> list[PartPoint]:
    """Return the steps of each part in which it was used, and of the rest as one."""
    has_runs = of in OF_RUNS and _has_runs(which)
    found = [
        _read(
            PartPoint,
            row,
            has_runs=has_runs,
            at=row["step"],
            is_rest=row["is_rest"],
            **_named(row, of),
        )
        for row in rows
        if _is_used(row, of)
    ]
    return sorted(
        found, key=lambda each: (each.at, each.is_rest, each.value or "", each.provider or "")
    )


def parts(
    rows: list[Row],
    of: Dimension,
    which: UsageFilter,
    span: Span,
    totals: Sums,
    names: dict[str, str],
) -> list[Part]:
    """Return a breakdown in the order of its rows; `names` are those of prompts and keys, by id."""
    has_runs = of in OF_RUNS and _has_runs(which)
    return [
        _read(Part, row, has_runs=has_runs, **_about(row, of, which, span, totals, names))
        for row in rows
    ]


def versions(rows: list[Row], which: UsageFilter, span: Span, totals: Sums) -> list[VersionPart]:
    """Return the versions of a prompt, the newest first."""
    found = [_version(row, which, span, totals) for row in rows]
    return sorted(found, key=lambda each: -(each.version or 0))


def _version(row: Row, which: UsageFilter, span: Span, totals: Sums) -> VersionPart:
    times = latency(row)
    return _read(
        VersionPart,
        row,
        has_runs=_has_runs(which),
        **_about(row, "version", which, span, totals, {}),
        version=int(row["detail"]) or None,
        p50_first_token=times.p50_first_token,
        p95_first_token=times.p95_first_token,
        p50_total_time=times.p50_total_time,
        p95_total_time=times.p95_total_time,
    )


def failures(rows: list[Row], which: UsageFilter, span: Span) -> list[Failure]:
    """Return how many tasks did not complete, by status and code."""
    found = [
        Failure(
            status=row["value"],
            code=row["detail"] or None,
            tasks=row["tasks"],
            runs_query=runs_query(which, span, status=row["value"]),
        )
        for row in rows
        if _has_failed(row)
    ]
    return sorted(found, key=lambda each: (-each.tasks, each.status, each.code or ""))


def failures_over_time(rows: list[Row]) -> list[FailurePoint]:
    """Return the same by status alone in each step."""
    found = [
        FailurePoint(at=row["step"], status=row["value"], tasks=row["tasks"])
        for row in rows
        if _has_failed(row)
    ]
    return sorted(found, key=lambda each: (each.at, each.status))


def _has_failed(row: Row) -> bool:
    return bool(row["tasks"]) and row["value"] not in ("", "completed")


def _is_used(row: Row, of: Dimension) -> bool:
    return bool(row["tasks"] or (row["runs"] and of in OF_RUNS))


def _has_runs(which: UsageFilter) -> bool:
    return which.provider is which.model is which.key_id is which.status is None


def _read(kind: type[S], row: Row, *, has_runs: bool, **more: Any) -> S:
    """Make sums of a row; an empty one is of nothing."""
    row = row or NOTHING
    tasks, counted, priced = row["tasks"], row["counted"], row["priced"]
    is_counted = counted or not tasks
    return kind(
        runs=row["runs"] if has_runs else None,
        tasks=tasks,
        failed=row["failed"],
        counted=counted,
        priced=priced,
        estimated=row["estimated"],
        **{name: row[name] if is_counted else None for name in TOKENS},
        cost=(row["cost"] or NO_COST) if priced or not tasks else None,
        average_first_token=ratio(row["first_token_us"], row["first_token_tasks"], 1e6),
        average_total_time=ratio(row["total_time_us"], row["total_time_tasks"], 1e6),
        tokens_per_second=ratio(row["generated_tokens"] * 1e6, row["generated_us"]),
        **more,
    )


def _named(row: Row, of: Dimension) -> dict[str, str | None]:
    """Return what a row is of: the value to filter by, and the provider of a model."""
    if of == "version":
        return {"value": row["detail"] if row["detail"] not in ("", "0") else None}
    value = row["value"] or None
    return {"value": value, "provider": row["detail"] or None if of == "model" else None}


def _about(
    row: Row, of: Dimension, which: UsageFilter, span: Span, totals: Sums, names: dict[str, str]
) -> dict[str, Any]:
    """Return what a part says beside its sums: its name, its shares, and its runs."""
    named = _named(row, of)
    value, provider = named["value"], named.get("provider")
    name = value and name_of(of, (value, provider or ""), names)
    wanted = name if of == "model" else value
    cost = row["cost"] if row["priced"] or not row["tasks"] else None
    tokens = row["tokens_total"] if row["counted"] or not row["tasks"] else None
    return {
        **named,
        "name": name,
        "share_of_cost": _share(cost, totals.cost),
        "share_of_tokens": _share(tokens, totals.tokens_total),
        "runs_query": runs_query(which, span, **{of: str(wanted)}) if value else None,
    }


def name_of(of: Dimension, key: Key, names: dict[str, str]) -> str:
    """Return what people call a part; `names` are those of prompts and keys, by id."""
    value, provider = key
    return f"{provider}/{value}" if of == "model" and provider else names.get(value, value)


def _share(amount: Decimal | int | None, whole: Decimal | int | None) -> float | None:
    return float(amount / whole) if amount is not None and whole else None

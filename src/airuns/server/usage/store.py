"""The dashboard: sums of usage, by time and by what was used, in a handful of queries.

All is read from the sums by hour and by day (schema/80_usage.sql), but for the most expensive runs,
which have an index of their own; no query reads a task.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.money import Usd
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter
from airuns.server.usage.filters import (
    Dimension,
    Span,
    UsageFilter,
    clauses,
    moments,
    span_of,
)
from airuns.server.usage.forecasts import forecast, window
from airuns.server.usage.latencies import (
    OF_ALL,
    OF_ALL_BY_STEP,
    OF_MODELS,
    OF_MODELS_BY_STEP,
    latencies,
    ratio,
)
from airuns.server.usage.links import runs_query
from airuns.server.usage.records import (
    Dashboard,
    ExpensiveRun,
    Failure,
    FailurePoint,
    Forecast,
    Part,
    PartPoint,
    Point,
    Sums,
)

SQL = queries.load(__package__ or "", "store.sql")
S = TypeVar("S", bound=Sums)
Row = dict[str, Any]

MOST_RUNS = 20

COLUMNS = (
    "step",
    "source_type",
    "prompt_id",
    "provider",
    "model",
    "key_id",
    "status",
    "error_code",
)
GROUPS: dict[Dimension, tuple[str, ...]] = {
    "model": ("provider", "model"),
    "provider": ("provider",),
    "prompt": ("prompt_id",),
    "source": ("source_type",),
    "key": ("key_id",),
    "status": ("status",),
}
VALUES: dict[Dimension, str] = {
    "model": "model",
    "provider": "provider",
    "prompt": "prompt_id",
    "source": "source_type",
    "key": "key_id",
    "status": "status",
    "tag": "tag",
}
TOKENS = (
    *("tokens_input", "tokens_output", "tokens_total", "tokens_cache_read"),
    *("tokens_cache_write_5m", "tokens_cache_write_1h", "tokens_reasoning"),
)
SUMMED = (
    *("runs", "tasks", "counted", "priced", "estimated", *TOKENS, "cost", "generated_tokens"),
    *("generated_us", "first_token_tasks", "first_token_us", "total_time_tasks", "total_time_us"),
)
FAILED = "status in ('error', 'timeout')"


def _sums(of: str) -> str:
    failed = f"sum({of}.tasks) filter (where {of}.{FAILED}) as failed"
    return ", ".join([*(f"sum({of}.{name}) as {name}" for name in SUMMED), failed])


def _mask(columns: Iterable[str]) -> int:
    """Return what PostgreSQL's grouping() says of rows that are about these columns."""
    about = set(columns)
    return sum(2 ** (len(COLUMNS) - 1 - at) for at, name in enumerate(COLUMNS) if name not in about)


async def dashboard(
    tx: Transaction, user_id: UUID, which: UsageFilter, now: datetime, by: Dimension = "model"
) -> Dashboard:
    """Return the whole dashboard; `by` says what its chart over time is divided into.

    Every list has all of its parts, those that cost most first. Raises InvalidInput.
    """
    span = span_of(which)
    grouped = await _grouped(tx, user_id, which, span, by)
    tagged = await _tagged(tx, user_id, which, span, by)
    tags = [row for row in tagged if row["groups"]]
    steps = [row for row in tagged if not row["groups"]]
    if by != "tag":
        steps = grouped.get(_mask(("step", *GROUPS[by])), [])
    names = await _names(tx, user_id, grouped)
    totals = _one(grouped.get(_mask(()), []), which)
    latency = await latencies(tx, user_id, which)

    def parts(of: Dimension) -> list[Part]:
        rows = tags if of == "tag" else grouped.get(_mask(GROUPS[of]), [])
        return _parts(rows, of, which, span, totals, names)

    return Dashboard(
        since=span.since,
        until=span.until,
        step=span.step,
        zone=span.zone,
        totals=totals,
        before=await _totals(tx, user_id, which, span.before),
        over_time=_points(grouped.get(_mask(("step",)), []), which, span),
        by_model=parts("model"),
        by_provider=parts("provider"),
        by_prompt=parts("prompt"),
        by_source=parts("source"),
        by_key=parts("key"),
        by_tag=parts("tag"),
        by_status=parts("status"),
        parts_over_time=_parts_over_time(steps, which, by),
        latency=latency[OF_MODELS],
        latency_over_time=latency[OF_MODELS_BY_STEP],
        latency_total=latency[OF_ALL][0],
        latency_total_over_time=latency[OF_ALL_BY_STEP],
        errors=_failures(grouped, which, span),
        errors_over_time=_failures_over_time(grouped),
        expensive_runs=await expensive_runs(tx, user_id, which, span),
        forecast=await month_forecast(tx, user_id, which, now),
        runs_query=runs_query(which, span),
    )


async def _grouped(
    tx: Transaction, user_id: UUID, which: UsageFilter, span: Span, by: Dimension
) -> dict[int, list[Row]]:
    """Return the sums of every breakdown, by the mask of the columns that it is not about."""
    step_sets: list[tuple[str, ...]] = [("step",), ("step", "status")]
    if by not in ("status", "tag"):
        step_sets.append(("step", *GROUPS[by]))
    names = [f"u.{name}" for name in (*SUMMED, "failed")]
    text, params = clauses(which)
    query = SQL["sums"].format(
        step=span.step,
        view=span.view,
        filters=text,
        sums=_sums("u"),
        names=", ".join(f"{name}{_kind(name)}" for name in names),
        sums_of_sums=", ".join(f"sum({name}){_kind(name)}" for name in names),
        no_step=_mask(COLUMNS[1:]),
        step_sets=_sets(step_sets),
        sets=_sets([(), *GROUPS.values(), ("status", "error_code")]),
    )
    found: dict[int, list[Row]] = {}
    for row in await tx.rows(query, user_id=user_id, **moments(span), **params, zone=span.zone):
        found.setdefault(row["groups"], []).append(row)
    return found


def _kind(name: str) -> str:
    """Sums of counts are numeric in PostgreSQL, and slow to read."""
    return "" if name == "u.cost" else "::bigint"


def _sets(sets: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(f"({', '.join(f'u.{name}' for name in each)})" for each in sets)


async def _tagged(
    tx: Transaction, user_id: UUID, which: UsageFilter, span: Span, by: Dimension
) -> list[Row]:
    """Return the sums of each tag, and those of its steps when the chart is by tag."""
    text, params = clauses(which)
    has_steps = by == "tag"
    query = SQL["tag_sums"].format(
        step=span.step,
        view=span.view,
        sums=_sums("u"),
        filters=text.replace(" and v.tag is null", ""),
        groups="grouping(u.step)" if has_steps else "1",
        at="u.step" if has_steps else "null",
        sets="(u.tag), (u.tag, u.step)" if has_steps else "(u.tag)",
    )
    return await tx.rows(query, user_id=user_id, **moments(span), **params, zone=span.zone)


async def _totals(tx: Transaction, user_id: UUID, which: UsageFilter, span: Span) -> Sums:
    text, params = clauses(which)
    query = SQL["totals"].format(view=span.view, sums=_sums("v"), filters=text)
    return _one(await tx.rows(query, user_id=user_id, **moments(span), **params), which)


async def expensive_runs(
    tx: Transaction, user_id: UUID, which: UsageFilter, span: Span
) -> list[ExpensiveRun]:
    """Return the runs that cost most, of those that the filter's link to the runs lists."""
    query = runs_query(which, span)
    if query is None:
        return []
    values: dict[str, Any] = {**query, "since": span.since, "before": span.until}
    if (prompt_id := values.pop("prompt_id", None)) is not None:
        values.update(source_type="prompt", source_id=prompt_id)
    found = await lists.runs(tx, user_id, RunFilter(**values), "cost", None, MOST_RUNS)
    return [
        ExpensiveRun(
            id=run.id,
            name=run.name,
            source_type=run.source_type,
            prompt_id=run.prompt_id,
            model=run.model,
            total_tokens=run.total_tokens,
            total_cost=run.total_cost,
            last_message_at=run.last_message_at,
        )
        for run in found.items
        if run.total_cost
    ]


async def month_forecast(
    tx: Transaction, user_id: UUID, which: UsageFilter, now: datetime
) -> Forecast | None:
    """Return what the month of `now` will cost, whatever time is asked for."""
    text, params = clauses(which)
    query = SQL["spent_by_day"].format(filters=text)
    rows = await tx.rows(query, user_id=user_id, since=window(now), **params)
    return forecast([(row["at"], row["cost"]) for row in rows], now)


async def _names(tx: Transaction, user_id: UUID, grouped: dict[int, list[Row]]) -> dict[str, str]:
    """Return what the prompts and keys of the breakdowns are called, by id."""
    ids = [
        row[VALUES[of]] for of in ("prompt", "key") for row in grouped.get(_mask(GROUPS[of]), [])
    ]
    return {str(each): name for each, name in (await names(tx, user_id, ids)).items()}


async def names(tx: Transaction, user_id: UUID, ids: list[UUID]) -> dict[UUID, str]:
    """Return what prompts and keys are called, by id; deleted and revoked ones too."""
    rows = await tx.rows(SQL["names"], user_id=user_id, ids=ids)
    return {row["id"]: row["name"] for row in rows}


def _read(kind: type[S], row: Row, which: UsageFilter, of: str = "", **more: Any) -> S:
    """Make sums of a row, whose numbers are PostgreSQL's numerics or null."""
    counts = {name: int(row.get(name) or 0) for name in SUMMED if name != "cost"}
    tasks, counted, priced = counts["tasks"], counts["counted"], counts["priced"]
    of_runs = which.provider is which.model is which.key_id is which.status is None
    has_runs = of_runs and of not in ("model", "provider", "key", "status")
    return kind(
        runs=counts["runs"] if has_runs else None,
        tasks=tasks,
        failed=int(row.get("failed") or 0),
        counted=counted,
        priced=priced,
        estimated=counts["estimated"],
        **{name: counts[name] if counted or not tasks else None for name in TOKENS},
        cost=Usd(row.get("cost") or 0) if priced or not tasks else None,
        average_first_token=ratio(counts["first_token_us"], counts["first_token_tasks"], 1e6),
        average_total_time=ratio(counts["total_time_us"], counts["total_time_tasks"], 1e6),
        tokens_per_second=ratio(counts["generated_tokens"] * 1e6, counts["generated_us"]),
        **more,
    )


def _one(rows: list[Row], which: UsageFilter) -> Sums:
    return _read(Sums, rows[0] if rows else {}, which)


def _points(rows: list[Row], which: UsageFilter, span: Span) -> list[Point]:
    """Return a point for each step, also for those in which nothing was used."""
    found = {row["step"]: row for row in rows}
    return [_read(Point, found.get(at, {}), which, at=at) for at in span.steps()]


def _parts_over_time(rows: list[Row], which: UsageFilter, by: Dimension) -> list[PartPoint]:
    found = [
        _read(
            PartPoint,
            row,
            which,
            of=by,
            at=row["step"],
            value=_text(row[VALUES[by]]),
            provider=row["provider"] if by == "model" else None,
        )
        for row in rows
        if row["tasks"] or _began(row, by)
    ]
    return sorted(found, key=lambda each: (each.at, each.value or ""))


def _parts(
    rows: list[Row],
    of: Dimension,
    which: UsageFilter,
    span: Span,
    totals: Sums,
    names: dict[str, str],
) -> list[Part]:
    """Return a breakdown, what costs most first."""
    found = [_part(row, of, which, span, names) for row in rows if row["tasks"] or _began(row, of)]
    found = [_shared(part, totals) for part in found]
    return sorted(found, key=_rank)


def _began(row: Row, of: Dimension) -> bool:
    return bool(row["runs"]) and of in ("prompt", "source", "tag")


def _rank(part: Part) -> tuple[Any, ...]:
    return (-(part.cost or Decimal(-1)), -(part.tokens_total or 0), -part.tasks, part.name or "")


def _part(row: Row, of: Dimension, which: UsageFilter, span: Span, names: dict[str, str]) -> Part:
    value = _text(row[VALUES[of]])
    provider: str | None = row["provider"] if of == "model" else None
    name = value and names.get(value, value)
    if of == "model" and provider and value:
        name = f"{provider}/{value}"
    wanted = name if of == "model" else value
    link = runs_query(which, span, **{of: str(wanted)}) if value else None
    return _read(
        Part, row, which, of=of, value=value, name=name, provider=provider, runs_query=link
    )


def _shared(part: Part, totals: Sums) -> Part:
    def share(amount: Decimal | int | None, whole: Decimal | int | None) -> float | None:
        return float(amount / whole) if amount is not None and whole else None

    return msgspec.structs.replace(
        part,
        share_of_cost=share(part.cost, totals.cost),
        share_of_tokens=share(part.tokens_total, totals.tokens_total),
    )


def _failures(grouped: dict[int, list[Row]], which: UsageFilter, span: Span) -> list[Failure]:
    found = [
        Failure(
            status=row["status"],
            code=row["error_code"],
            tasks=int(row["tasks"]),
            runs_query=runs_query(which, span, status=row["status"]),
        )
        for row in grouped.get(_mask(("status", "error_code")), [])
        if row["tasks"] and row["status"] not in (None, "completed")
    ]
    return sorted(found, key=lambda each: (-each.tasks, each.status, each.code or ""))


def _failures_over_time(grouped: dict[int, list[Row]]) -> list[FailurePoint]:
    found = [
        FailurePoint(at=row["step"], status=row["status"], tasks=int(row["tasks"]))
        for row in grouped.get(_mask(("step", "status")), [])
        if row["tasks"] and row["status"] not in (None, "completed")
    ]
    return sorted(found, key=lambda each: (each.at, each.status))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)

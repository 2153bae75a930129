"""The dashboard: sums of usage, by time and by what was used, in a handful of queries.

All is read from the sums (schema/80_usage.sql), but for the most expensive runs, which have an
index of their own; no query reads a task.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from airuns.errors import InvalidInput
from airuns.server.db.door import Transaction
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter
from airuns.server.usage import parts, reading
from airuns.server.usage.filters import Dimension, Span, UsageFilter, span_of
from airuns.server.usage.forecasts import forecast, window
from airuns.server.usage.latencies import latencies, latency
from airuns.server.usage.links import runs_query
from airuns.server.usage.reading import ABOUTS, About, Row, merged
from airuns.server.usage.records import (
    Dashboard,
    ExpensiveRun,
    Forecast,
    Part,
    PromptUsage,
)

MOST_RUNS = 20
SHOWN: tuple[About, ...] = ("all", "model", "prompt", "source", "key", "tag", "status")


async def dashboard(
    tx: Transaction, user_id: UUID, which: UsageFilter, now: datetime, by: Dimension = "model"
) -> Dashboard:
    """Return the whole dashboard; `by` says what its chart over time is divided into.

    Every list has all of its parts, those that cost most first. Raises InvalidInput.
    """
    if which.prompt_id is None and (which.version is not None or by == "version"):
        field = "version" if which.version is not None else "by"
        raise InvalidInput("Versions are those of a prompt: say its prompt_id.", field=field)
    span = span_of(which)
    of_prompt: tuple[About, ...] = ("version",) if which.prompt_id else ()
    found = await reading.whole(tx, user_id, which, span, (*SHOWN, *of_prompt))
    before = await reading.whole(tx, user_id, which, span.before, ("all",))
    charted = dict.fromkeys(("all", "model", "status", ABOUTS[by]))
    steps = await reading.stepwise(tx, user_id, which, span, charted)
    ids = [UUID(row["value"]) for row in (*found["prompt"], *found["key"]) if row["value"]]
    named = {str(each): name for each, name in (await names(tx, user_id, ids)).items()}
    totals = parts.one(found["all"], which)

    def by_each(of: Dimension) -> list[Part]:
        return parts.parts(_rows(found, of), of, which, span, totals, named)

    return Dashboard(
        since=span.since,
        until=span.until,
        step=span.step,
        zone=span.zone,
        totals=totals,
        before=parts.one(before["all"], which),
        over_time=parts.points(steps["all"], which, span),
        by_model=by_each("model"),
        by_provider=by_each("provider"),
        by_prompt=by_each("prompt"),
        by_version=parts.versions(found.get("version", []), which, span, totals),
        by_source=by_each("source"),
        by_key=by_each("key"),
        by_tag=by_each("tag"),
        by_status=by_each("status"),
        parts_over_time=parts.part_points(_rows(steps, by), which, by),
        latency=latencies(found["model"]),
        latency_over_time=latencies(steps["model"]),
        latency_total=latency(found["all"][0] if found["all"] else {}),
        latency_total_over_time=latencies(steps["all"]),
        errors=parts.failures(found["status"], which, span),
        errors_over_time=parts.failures_over_time(merged(steps["status"], "value")),
        expensive_runs=await expensive_runs(tx, user_id, which, span),
        forecast=await month_forecast(tx, user_id, which, now),
        runs_query=runs_query(which, span),
    )


def _rows(found: Mapping[About, list[Row]], of: Dimension) -> list[Row]:
    """Return the rows of a breakdown; providers and states are more than one row each."""
    rows = found[ABOUTS[of]]
    merging = {"provider": "detail", "status": "value"}
    return merged(rows, merging[of]) if of in merging else rows


async def prompt_usage(
    tx: Transaction, user_id: UUID, prompt_id: UUID, since: datetime, until: datetime
) -> PromptUsage:
    """Return what one prompt was used for, by version; hours that have begun are in it.

    Raises InvalidInput when the time ends before it begins, or is too long.
    """
    which = UsageFilter(since=since, until=until, prompt_id=prompt_id, step="day")
    span = span_of(which, by_hour=True)
    rows = await reading.versions(tx, user_id, prompt_id, span)
    whole = merged(rows, "value")
    totals = parts.one(whole, which)
    return PromptUsage(
        since=span.since,
        until=span.until,
        totals=totals,
        latency=latency({**whole[0], "value": ""} if whole else {}),
        versions=parts.versions(rows, which, span, totals),
    )


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
    since, until = window(now), now.astimezone(UTC) + timedelta(days=32)
    span = Span(since=since, until=until, step="day", zone="UTC")
    rows = (await reading.stepwise(tx, user_id, which, span, ("all",)))["all"]
    return forecast([(row["step"], row["cost"]) for row in rows if row["priced"]], now)


async def names(tx: Transaction, user_id: UUID, ids: list[UUID]) -> dict[UUID, str]:
    """Return what prompts and keys are called, by id; deleted and revoked ones too."""
    rows = await tx.rows(reading.SQL["names"], user_id=user_id, ids=ids)
    return {row["id"]: row["name"] for row in rows}

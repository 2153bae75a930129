"""The dashboard: sums of usage, by time and by what was used, in a handful of queries.

All is read from the sums (schema/80_usage.sql), but for the most expensive runs, which have an
index of their own; no query reads a task.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput
from airuns.server.db.door import Transaction
from airuns.server.runs import lists
from airuns.server.runs.lists import RunFilter
from airuns.server.usage import parts, reading
from airuns.server.usage.filters import Dimension, Span, UsageFilter, span_of
from airuns.server.usage.forecasts import forecast, window
from airuns.server.usage.latencies import latencies, latency
from airuns.server.usage.links import runs_query
from airuns.server.usage.reading import EVERYTHING, LATENCY, PLAIN, About, Key, Row, Shown, merged
from airuns.server.usage.records import (
    Dashboard,
    ExpensiveRun,
    Forecast,
    Overview,
    Part,
    PromptUsage,
)

MOST_RUNS = 20
SHOWN: tuple[About, ...] = ("all", "model", "prompt", "source", "key", "tag", "status")
FILTERS: dict[Dimension, str] = {
    "model": "model",
    "provider": "provider",
    "prompt": "prompt_id",
    "source": "source_type",
    "key": "key_id",
    "tag": "tag",
    "status": "status",
}
"""What a filter by each thing is called."""

Own = list[Key] | None


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a dashboard is read: all, unless it says less.

    At most `top` parts of each breakdown, those that cost most; at most `lines` that are told apart
    over time; models' times over time, or not.
    """

    top: int | None = None
    lines: int | None = None
    has_model_times: bool = True
    is_named: bool = False


ALL = Extent()


async def dashboard(
    tx: Transaction,
    user_id: UUID,
    which: UsageFilter,
    now: datetime,
    by: Dimension = "model",
    extent: Extent = ALL,
) -> Dashboard:
    """Return the dashboard; `by` says what its chart over time is divided into.

    Every list begins with what costs most. Raises InvalidInput.
    """
    return (await overview(tx, user_id, which, now, by, extent)).dashboard


async def overview(
    tx: Transaction,
    user_id: UUID,
    which: UsageFilter,
    now: datetime,
    by: Dimension = "model",
    extent: Extent = ALL,
) -> Overview:
    """Return the dashboard and, if `extent.is_named`, what may be filtered by. As `dashboard`."""
    if which.prompt_id is None and (which.version is not None or by == "version"):
        field = "version" if which.version is not None else "by"
        raise InvalidInput("Versions are those of a prompt: say its prompt_id.", field=field)
    span = span_of(which)
    read = Reading(tx, user_id, which, span, extent)
    found, before = await read.whole(), await read.before()
    steps = await reading.stepwise(tx, user_id, which, span, "all")
    named = await _names(tx, user_id, which, found)
    of_parts, of_models = await read.over_time(found, by)
    whole = next(iter(found.get("all", [])), Row())
    totals = parts.one(whole, which)

    def by_each(of: Dimension) -> list[Part]:
        rows = _top(found.get(parts.BREAKDOWN[of], []), extent.top)
        return parts.parts(rows, of, which, span, totals, named)

    shown = Dashboard(
        since=span.since,
        until=span.until,
        step=span.step,
        zone=span.zone,
        totals=totals,
        before=parts.one(before, which),
        over_time=parts.points(steps, which, span),
        by_model=by_each("model"),
        by_provider=by_each("provider"),
        by_prompt=by_each("prompt"),
        by_version=parts.versions(found.get("version", []), which, span, totals),
        by_source=by_each("source"),
        by_key=by_each("key"),
        by_tag=by_each("tag"),
        by_status=by_each("status"),
        parts_over_time=parts.part_points(of_parts, which, by),
        latency=latencies(found.get("model", [])),
        latency_over_time=latencies(of_models),
        latency_total=latency(whole),
        latency_total_over_time=latencies(steps),
        errors=parts.failures(found.get("status", []), which, span),
        errors_over_time=parts.failures_over_time(await read.states_over_time()),
        expensive_runs=await expensive_runs(tx, user_id, which, span),
        forecast=await month_forecast(tx, user_id, which, now),
        runs_query=runs_query(which, span),
    )
    return Overview(dashboard=shown, **_every(found, which, named))


class Reading(msgspec.Struct, frozen=True):
    """The queries of one dashboard."""

    tx: Transaction
    user_id: UUID
    which: UsageFilter
    span: Span
    extent: Extent

    async def whole(self) -> dict[Shown, list[Row]]:
        """Return the sums of the whole time."""
        abouts: tuple[About, ...] = (*SHOWN, "version") if self.which.prompt_id else SHOWN
        top, is_named = self.extent.top, self.extent.is_named
        return await reading.whole(
            self.tx, self.user_id, self.which, self.span, abouts, top=top, is_named=is_named
        )

    async def before(self) -> Row:
        """Return the sums of the time before."""
        found = await reading.whole(
            self.tx, self.user_id, self.which, self.span.before, ("all",), has_times=False
        )
        return next(iter(found.get("all", [])), Row())

    async def over_time(
        self, found: dict[Shown, list[Row]], by: Dimension
    ) -> tuple[list[Row], list[Row]]:
        """Return the steps of the largest parts and of the rest; how long models took in each."""
        lines, most = self._lines(found, by), self._most(found)
        if by != "model" or not self.extent.has_model_times or not _is_same(lines, most):
            return await self._steps(by, PLAIN, lines), await self._model_times(most)
        rows = await self._steps(by, EVERYTHING, lines)
        return rows, [row for row in rows if not row["is_rest"]]

    def _lines(self, found: dict[Shown, list[Row]], by: Dimension) -> Own:
        """Return the parts that are told apart over time; None for all."""
        if self.extent.lines is None:
            return None
        return _keys(_top(found.get(parts.BREAKDOWN[by], []), self.extent.lines))

    def _most(self, found: dict[Shown, list[Row]]) -> Own:
        """Return the models with the most tasks; None for all."""
        most = sorted(found.get("model", []), key=lambda row: -row["tasks"])
        return None if self.extent.top is None else _keys(most[: self.extent.top])

    async def _model_times(self, own: Own) -> list[Row]:
        if not self.extent.has_model_times:
            return []
        return [row for row in await self._steps("model", LATENCY, own) if not row["is_rest"]]

    async def states_over_time(self) -> list[Row]:
        """Return how many tasks ended how in each step."""
        return await self._steps("status", ("tasks",), None)

    async def _steps(self, of: Dimension, measures: Sequence[str], own: Own) -> list[Row]:
        return await reading.stepwise(
            self.tx, self.user_id, self.which, self.span, of, measures, own
        )


def _top(rows: list[Row], most: int | None) -> list[Row]:
    return [row for row in rows if most is None or row["place"] <= most]


def _is_same(one: Own, other: Own) -> bool:
    return one is other if one is None or other is None else set(one) == set(other)


def _keys(rows: list[Row]) -> list[Key]:
    return [(row["value"], row["detail"]) for row in rows]


async def _names(
    tx: Transaction, user_id: UUID, which: UsageFilter, found: dict[Shown, list[Row]]
) -> dict[str, str]:
    """Return what the prompts and keys that were found, and the filter's, are called, by id."""
    rows = [*found.get("prompt", []), *found.get("key", [])]
    ids: set[str] = {row["value"] for row in rows}
    ids.update(*(row["every_value"] for row in rows if row["every_value"]))
    ids |= {str(each) for each in (which.prompt_id, which.key_id) if each}
    found_names = await names(tx, user_id, [UUID(each) for each in ids if each])
    return {str(each): name for each, name in found_names.items()}


def _every(
    found: dict[Shown, list[Row]], which: UsageFilter, named: dict[str, str]
) -> dict[str, Any]:
    """Return the values that each filter may have, with the one that it has, and how many."""
    values: dict[Dimension, list[tuple[str, str]]] = {}
    counts: dict[Dimension, int] = {}
    for of, field in FILTERS.items():
        first = next(iter(found.get(parts.BREAKDOWN[of], [])), Row())
        keys = list(
            zip(first.get("every_value") or [], first.get("every_detail") or [], strict=True)
        )
        counts[of] = len(keys)
        chosen = str(getattr(which, field) or "")
        if chosen and chosen not in (value for value, _ in keys):
            keys.append((chosen, ""))
        values[of] = [(key[0], parts.name_of(of, key, named)) for key in keys if key[0]]
    return {"values": values, "counts": counts}


async def prompt_usage(
    tx: Transaction, user_id: UUID, prompt_id: UUID, since: datetime, until: datetime
) -> PromptUsage:
    """Return what one prompt was used for, by version; hours that have begun are in it.

    Raises InvalidInput when the time ends before it begins, or is too long.
    """
    which = UsageFilter(since=since, until=until, prompt_id=prompt_id, step="day")
    span = span_of(which, by_hour=True)
    rows = await reading.versions(tx, user_id, prompt_id, span)
    whole = merged(rows)
    totals = parts.one(whole, which)
    return PromptUsage(
        since=span.since,
        until=span.until,
        totals=totals,
        latency=latency(whole),
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
    rows = await reading.stepwise(tx, user_id, which, span, "all", ("cost", "priced"))
    return forecast([(row["step"], row["cost"]) for row in rows if row["priced"]], now)


async def names(tx: Transaction, user_id: UUID, ids: list[UUID]) -> dict[UUID, str]:
    """Return what prompts and keys are called, by id; deleted and revoked ones too."""
    rows = await tx.rows(reading.SQL["names"], user_id=user_id, ids=ids)
    return {row["id"]: row["name"] for row in rows}

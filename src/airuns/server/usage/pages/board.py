"""The dashboard as its page shows it: figures beside those of before, charts, and tables."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

import msgspec

from airuns.server.budgets.store import Budget
from airuns.server.ui import formats
from airuns.server.ui.charts import SERIES, Chart
from airuns.server.usage.pages import charts
from airuns.server.usage.pages.asked import DIMENSIONS, METRICS, PERIODS, TIMES, Asked
from airuns.server.usage.pages.figures import Stat, stats
from airuns.server.usage.pages.links import part_link, run_link
from airuns.server.usage.records import Dashboard, ExpensiveRun, Latency, Overview, Part
from airuns.server.usage.store import Extent
from airuns.server.usage.tables import TableName

SHOWN = 12
SHOWN_RUNS = 5
EXTENT = Extent(top=SHOWN, lines=len(SERIES), has_model_times=False, is_named=True)
"""What the page shows of a dashboard."""

DOWNLOADS: dict[TableName, str] = {
    "over_time": "Over time",
    "by_model": "By model",
    "by_prompt": "By prompt",
    "by_source": "By source",
    "by_key": "By key",
    "by_tag": "By tag",
    "latency": "Times by model",
    "errors": "Errors",
    "expensive_runs": "Most expensive runs",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the breakdown: times in seconds, `share` of the cost in percent."""

    name: str
    style: str
    href: str
    cost: Decimal | None
    share: float | None
    tasks: int
    tokens: int | None
    errors: str
    first_token: float | None
    total: float | None


class Costly(msgspec.Struct, frozen=True, kw_only=True):
    """A run of those that cost most."""

    name: str
    source_type: str
    cost: Decimal
    href: str


class Board(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What analytics.html shows of a dashboard."""

    asked: Asked
    overview: Overview
    budgets: list[Budget]

    periods = PERIODS
    dimensions = DIMENSIONS
    metrics = METRICS
    times = TIMES
    tables = DOWNLOADS

    @property
    def dashboard(self) -> Dashboard:
        return self.overview.dashboard

    @property
    def choices(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return what each filter may be, as the time has it: (value, name) pairs."""
        return [(of, of.title(), values) for of, values in self.overview.values.items()]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was used, now or in the time before."""
        now, before = self.dashboard.totals, self.dashboard.before
        return not (now.tasks or now.runs or before.tasks or before.runs)

    @property
    def period_words(self) -> str:
        """Return the days that are shown, as 1 Nov to 21 Nov 2026."""
        first, last = self.asked.first_day, self.asked.last_day
        if first == last:
            return f"{first.day} {first:%b %Y}"
        year = "" if first.year == last.year else f" {first.year}"
        return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"

    @property
    def parts(self) -> list[Part]:
        """Return the breakdown that was asked for, what costs most first."""
        return getattr(self.dashboard, f"by_{self.asked.by}")

    @property
    def stats(self) -> list[Stat]:
        return stats(self.asked, self.dashboard, self.budgets)

    @cached_property
    def steps(self) -> charts.Steps:
        """Return what all charts share: the dashboard, and what its steps are called."""
        return charts.steps_of(self.asked, self.dashboard)

    @cached_property
    def main(self) -> Chart:
        return charts.main(self.asked, self.steps, self.parts)

    @cached_property
    def latency(self) -> Chart:
        return charts.latency(self.asked, self.steps)

    @cached_property
    def speed(self) -> Chart:
        return charts.speed(self.asked, self.steps)

    @cached_property
    def errors(self) -> Chart:
        return charts.errors(self.asked, self.steps)

    @property
    def errors_note(self) -> str:
        totals = self.dashboard.totals
        return f"{formats.count(totals.failed)} of {formats.count(totals.tasks)} tasks"

    @property
    def rows(self) -> list[Line]:
        """Return the rows of the breakdown."""
        return [_line(self.asked, self.dashboard, part, at) for at, part in enumerate(self.parts)]

    @property
    def time_words(self) -> tuple[str, str]:
        """Return what the times of a row are: percentiles of models, means of all else."""
        return (" p50", " p95") if self.asked.by == "model" else (", mean", ", mean")

    @property
    def rest_note(self) -> str:
        """Return how many rows of the breakdown are only in its download."""
        more = self.overview.counts[self.asked.by] - SHOWN
        return f"and {more} more, in the download" if more > 0 else ""

    @property
    def runs(self) -> list[Costly]:
        """Return the runs that cost most."""
        return [_costly(run) for run in self.dashboard.expensive_runs[:SHOWN_RUNS]]

    @property
    def prompts(self) -> list[Line]:
        """Return the prompts that cost most."""
        asked = msgspec.structs.replace(self.asked, by="prompt")
        parts = [part for part in self.dashboard.by_prompt if part.value and part.cost]
        return [_line(asked, self.dashboard, part, 0) for part in parts[:SHOWN_RUNS]]

    def download(self, name: str, form: str) -> str:
        """Return the address of a table as a file."""
        return self.asked.download(name, form)

    def named(self, field: str, value: str) -> str:
        """Return what people call the value of a filter."""
        for name, _, choices in self.choices:
            if name == field:
                return dict(choices).get(value, value)
        return value


def _line(asked: Asked, dashboard: Dashboard, part: Part, at: int) -> Line:
    times = _times(dashboard.latency, part) if asked.by == "model" else None
    failed = 100 * part.failed / part.tasks if part.tasks else 0.0
    return Line(
        name=charts.named(asked.by, part),
        style=charts.style_of(at),
        href=part_link(asked, part),
        cost=part.cost,
        share=None if part.share_of_cost is None else 100 * part.share_of_cost,
        tasks=part.tasks,
        tokens=part.tokens_total,
        errors=f"{failed:.1f} %",
        first_token=times.p50_first_token if times else part.average_first_token,
        total=times.p95_total_time if times else part.average_total_time,
    )


def _times(latency: Sequence[Latency], part: Part) -> Latency | None:
    wanted = (part.provider, part.value)
    return next((each for each in latency if (each.provider, each.model) == wanted), None)


def _costly(run: ExpensiveRun) -> Costly:
    return Costly(
        name=run.name, source_type=run.source_type, cost=run.total_cost, href=run_link(run)
    )

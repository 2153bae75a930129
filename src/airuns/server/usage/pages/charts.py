"""The charts of the dashboard, made of its records."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from airuns.server.ui import formats
from airuns.server.ui.charts import SERIES, Cell, Chart, Column, Row, Style, Unit
from airuns.server.usage.pages.asked import METRICS, TIMES, Asked, Dimension
from airuns.server.usage.pages.links import runs_link, step_days
from airuns.server.usage.records import Dashboard, Part, PartPoint, Sums

STEPS = {"hour": "per hour", "day": "per day", "week": "per week", "month": "per month"}
UNITS: dict[str, Unit] = {"cost": "usd", "tokens": "count", "tasks": "count"}
NOTHING = {
    "prompt": "no prompt",
    "key": "no key: in the browser",
    "tag": "no tag",
    "model": "no model",
    "provider": "no provider",
    "source": "no source",
}
SOURCES = {"prompt": "Prompts", "chat": "Chat"}


class Step(msgspec.Struct, frozen=True):
    """A step of the axis: when it begins, what it is called, and the first and last of its days."""

    at: datetime
    name: str
    tick: str
    since: str
    until: str


class Steps(msgspec.Struct, frozen=True):
    """A dashboard and the steps that all of its charts have."""

    board: Dashboard
    steps: list[Step]


def named(by: Dimension, part: Part | PartPoint) -> str:
    """Return what people call a part."""
    if part.value is None:
        return NOTHING[by]
    if by == "source":
        return SOURCES.get(part.value, part.value.title())
    return getattr(part, "name", None) or part.value


def style_of(at: int) -> Style:
    """Return the style of the part in this place: the first five have a colour of their own."""
    return SERIES[at] if at < len(SERIES) else "rest"


def value_of(show: str, sums: Sums) -> Decimal | int | None:
    """Return what a chart shows of sums."""
    return {"cost": sums.cost, "tokens": sums.tokens_total, "tasks": sums.tasks}[show]


def written(show: str, value: Decimal | int | None) -> str:
    """Return a value of a chart as it is written."""
    return formats.money(value) if show == "cost" else formats.count(value)  # pyright: ignore[reportArgumentType]  # of that kind


def main(asked: Asked, of: Steps, parts: Sequence[Part]) -> Chart:
    """Return what was used over time, by the five largest parts and the rest."""
    board = of.board
    own = {(part.provider, part.value): at for at, part in enumerate(parts[: len(SERIES)])}
    columns = [Column(named(asked.by, part), style_of(at)) for at, part in enumerate(parts[:5])]
    if len(parts) > len(SERIES):
        columns.append(Column("the rest", "rest"))
    found: dict[datetime, list[Decimal | int | None]] = {}
    for point in board.parts_over_time:
        cells = found.setdefault(point.at, [None] * len(columns))
        at = -1 if point.is_rest else own[point.provider, point.value]
        value = value_of(asked.show, point)
        if value is not None:
            cells[at] = (cells[at] or 0) + value
    totals = {point.at: value_of(asked.show, point) for point in board.over_time}

    def cells_of(at: datetime) -> list[Cell]:
        values = found.get(at, [None] * len(columns))
        return [_cell(asked.show, value) for value in values]

    return Chart(
        label=f"{METRICS[asked.show]} {STEPS[board.step]} by {asked.by}",
        kind="bars",
        unit=UNITS[asked.show],
        first=board.step.title(),
        columns=columns,
        rows=_rows(of, cells_of),
        total=[written(asked.show, totals[point.at]) for point in board.over_time]
        if asked.by != "tag"  # a task counts for each of its tags
        else [],
    )


def _cell(show: str, value: Decimal | int | None) -> Cell:
    return Cell(None if value is None else float(value), written(show, value))


def latency(asked: Asked, of: Steps) -> Chart:
    """Return how long answers took over time: the middle, and what one in twenty exceeds."""
    board = of.board
    time = "first_token" if asked.time == "first" else "total_time"
    found = {each.at: each for each in board.latency_total_over_time}

    def cells_of(at: datetime) -> list[Cell]:
        values = [getattr(found.get(at), f"{p}_{time}", None) for p in ("p50", "p95", "p99")]
        return [Cell(value, formats.seconds(value)) for value in values]

    return Chart(
        label=f"{TIMES[asked.time]}, time {STEPS[board.step]}",
        kind="lines",
        unit="seconds",
        first=board.step.title(),
        columns=[Column("p50", "s1"), Column("p95", "s2"), Column("p99", "s3")],
        rows=_rows(of, cells_of),
    )


def speed(asked: Asked, of: Steps) -> Chart:
    """Return how fast answers came, in tokens per second."""
    board = of.board
    found = {point.at: point.tokens_per_second for point in board.over_time}

    def cells_of(at: datetime) -> list[Cell]:
        value = found.get(at)
        return [Cell(value, formats.UNKNOWN if value is None else f"{value:,.1f}")]

    return Chart(
        label="Tokens per second",
        kind="lines",
        unit="rate",
        first=board.step.title(),
        columns=[Column("tokens per second", "s4")],
        rows=_rows(of, cells_of),
    )


def errors(asked: Asked, of: Steps) -> Chart:
    """Return the tasks that failed, by how."""
    board = of.board
    found = {(point.at, point.status): point.tasks for point in board.errors_over_time}

    def cells_of(at: datetime) -> list[Cell]:
        counts = [found.get((at, status), 0) for status in ("error", "timeout")]
        return [Cell(count, formats.count(count)) for count in counts]

    return Chart(
        label=f"Errors and timeouts {STEPS[board.step]}",
        kind="bars",
        unit="count",
        first=board.step.title(),
        columns=[Column("Error", "bad"), Column("Timeout", "late")],
        rows=_rows(of, cells_of, last_status="error"),
    )


def steps_of(asked: Asked, board: Dashboard) -> Steps:
    """Return the steps of a dashboard, each with its name and its days."""
    zone = ZoneInfo(board.zone)
    steps: list[Step] = []
    for point in board.over_time:
        local = point.at.astimezone(zone)
        since, until = step_days(asked, board, point.at)
        steps.append(
            Step(point.at, _name(local, board.step), _tick(local, board.step), since, until)
        )
    return Steps(board, steps)


def _rows(of: Steps, cells_of: Callable[[datetime], list[Cell]], **more: str) -> list[Row]:
    """Return a row for each step, with the runs behind it."""
    query = of.board.runs_query
    wanted = None if query is None else query | more
    return [
        Row(
            name=step.name,
            tick=step.tick,
            cells=cells_of(step.at),
            href=runs_link(wanted, step.since, step.until),
            since=step.since,
            until=step.until,
        )
        for step in of.steps
    ]


def _name(at: datetime, step: str) -> str:
    day = f"{at:%A} {at.day} {at:%B %Y}"
    return {
        "hour": f"{day}, {at:%H:%M}",
        "day": day,
        "week": f"week of {at.day} {at:%B %Y}",
        "month": f"{at:%B %Y}",
    }[step]


def _tick(at: datetime, step: str) -> str:
    if step == "hour":
        return f"{at:%H:%M}" if at.hour else f"{at.day} {at:%b}"
    return f"{at:%b %Y}" if step == "month" else f"{at.day} {at:%b}"

"""The figures at the head of the dashboard, each beside what it was in the time before."""

from decimal import Decimal
from typing import Any

import msgspec

from airuns.server.budgets.store import Budget
from airuns.server.ui import formats
from airuns.server.ui.charts import spark
from airuns.server.usage.pages.asked import Asked
from airuns.server.usage.pages.links import runs_link
from airuns.server.usage.records import Dashboard, Sums

MOST_PERCENT = 10_000


class Stat(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: what it is, how it has changed and whether that is good, and its line."""

    label: str
    figure: str
    unit: str = ""
    change: str = ""
    tone: str = ""
    trend: str = ""
    note: str = ""
    spark: str = ""
    href: str = ""


def stats(asked: Asked, dashboard: Dashboard, budgets: list[Budget]) -> list[Stat]:
    """Return the figures of a time."""
    link = runs_link(dashboard.runs_query, f"{asked.first_day}", f"{asked.last_day}")
    return [
        _cost(dashboard, link),
        _forecast(dashboard, budgets),
        _tokens(dashboard, link),
        _runs(dashboard, link),
        _first_token(dashboard),
        _errors(asked, dashboard),
    ]


def _cost(board: Dashboard, link: str) -> Stat:
    now, before = board.totals, board.before
    unpriced = now.tasks - now.priced
    known = f"{formats.count(unpriced)} {formats.plural(unpriced, 'task')} of unknown cost"
    return Stat(
        label="Cost",
        figure=formats.money(now.cost),
        note=known if unpriced else f"{formats.money(before.cost)} before",
        spark=_line(board, "cost"),
        href=link,
        **_change(now.cost, before.cost, more_is_bad=True),
    )


def _forecast(board: Dashboard, budgets: list[Budget]) -> Stat:
    """Return what this month will cost, beside the budget of a month if there is one of all."""
    found = board.forecast
    if found is None:
        return Stat(label="Forecast for this month", figure=formats.UNKNOWN, note="no known cost")
    limits = [each.limit for each in budgets if each.scope == "user" and each.period == "month"]
    share = found.cost / min(limits) if limits else None
    return Stat(
        label="Forecast for this month",
        figure=formats.money(found.cost),
        unit=f"of {formats.rate(min(limits))}" if limits else "",
        change="" if share is None else f"{100 * share:,.0f} %",
        tone="bad" if share is not None and share > 1 else "",
        note=f"{formats.money(found.spent)} so far, {formats.money(found.daily_mean)} a day",
    )


def _tokens(board: Dashboard, link: str) -> Stat:
    now = board.totals
    figure, _, unit = formats.short_count(now.tokens_total).partition(" ")
    cached = 100 * (now.tokens_cache_read or 0) / now.tokens_input if now.tokens_input else None
    return Stat(
        label="Tokens",
        figure=figure,
        unit=unit,
        note="" if cached is None else f"{cached:.0f} % of the input from cache",
        spark=_line(board, "tokens_total"),
        href=link,
        **_change(now.tokens_total, board.before.tokens_total),
    )


def _runs(board: Dashboard, link: str) -> Stat:
    now, tasks = board.totals, formats.count(board.totals.tasks)
    if now.runs is None:  # a filter of tasks: how many runs began with such is not known
        change = _change(now.tasks, board.before.tasks)
        return Stat(label="Tasks", figure=tasks, spark=_line(board, "tasks"), href=link, **change)
    return Stat(
        label="Runs",
        figure=formats.count(now.runs),
        note=f"{tasks} {formats.plural(now.tasks, 'task')}",
        spark=_line(board, "runs"),
        href=link,
        **_change(now.runs, board.before.runs),
    )


def _first_token(board: Dashboard) -> Stat:
    figure, _, unit = formats.seconds(board.latency_total.p95_first_token).partition(" ")
    average = board.totals.average_first_token
    return Stat(
        label="First token, p95",
        figure=figure,
        unit=unit,
        note=f"p50 {formats.seconds(board.latency_total.p50_first_token)}",
        spark=spark([each.p95_first_token for each in board.latency_total_over_time]),
        **_change(average, board.before.average_first_token, more_is_bad=True, word="on average"),
    )


def _errors(asked: Asked, board: Dashboard) -> Stat:
    now, before = _failed(board.totals), _failed(board.before)
    points = None if now is None or before is None else round(now - before, 1)
    query = None if board.runs_query is None else {**board.runs_query, "last_status": "error"}
    return Stat(
        label="Errors and timeouts",
        figure=formats.UNKNOWN if now is None else f"{now:.1f}",
        unit="%",
        note=f"{formats.count(board.totals.failed)} of {formats.count(board.totals.tasks)} tasks",
        change="" if not points else f"{points:+.1f} pt".replace("-", "−"),
        tone="" if not points else "bad" if points > 0 else "good",
        trend="" if not points else "trend-up" if points > 0 else "trend-down",
        spark=spark([_failed(each) for each in board.over_time]),
        href=runs_link(query, f"{asked.first_day}", f"{asked.last_day}"),
    )


def _failed(sums: Sums) -> float | None:
    return 100 * sums.failed / sums.tasks if sums.tasks else None


def _line(board: Dashboard, field: str) -> str:
    values: list[Any] = [getattr(each, field) for each in board.over_time]
    return spark([None if value is None else float(value) for value in values])


def _change(
    now: Decimal | float | None,
    before: Decimal | float | None,
    *,
    more_is_bad: bool = False,
    word: str = "",
) -> dict[str, str]:
    """Return how a figure differs from the one before, in percent; nothing when there was none."""
    if now is None or not before:
        return {}
    percent = float(now) / float(before) * 100 - 100
    if percent > MOST_PERCENT:  # next to nothing was there to compare with
        return {}
    text = f"{percent:+,.1f} %"
    tone = "" if not more_is_bad or abs(percent) < 0.05 else "bad" if percent > 0 else "good"
    trend = "" if abs(percent) < 0.05 else "trend-up" if percent > 0 else "trend-down"
    return {"change": f"{text} {word}".strip().replace("-", "−"), "tone": tone, "trend": trend}

"""What usage is asked for: a time, filters, and the steps that a chart of it has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from airuns.errors import InvalidInput

Step = Literal["hour", "day", "week", "month"]
Dimension = Literal["model", "provider", "prompt", "version", "source", "key", "tag", "status"]

HOUR = timedelta(hours=1)
HALF_A_DAY = timedelta(hours=12)
RESOLUTION = timedelta(microseconds=1)
MOST_HOURS = timedelta(days=31)
LONGEST = timedelta(days=3700)

DEFAULT_STEPS: tuple[tuple[timedelta, Step], ...] = (
    (timedelta(days=3), "hour"),
    (timedelta(days=92), "day"),
    (timedelta(days=400), "week"),
)

CLAUSES = {
    "source_type": "v.source_type = %(source_type)s",
    # The second is said so that the index of prompts serves.
    "prompt_id": (
        "v.prompt_id = %(prompt_id)s and v.prompt_id <> '00000000-0000-0000-0000-000000000000'"
    ),
    "version": "v.prompt_version = %(version)s",
    "provider": "v.provider = %(provider)s",
    "model": "v.model = %(model)s",
    "key_id": "v.key_id = %(key_id)s",
    "status": "v.status = %(status)s",
    "tag": "v.tag = %(tag)s",
}


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which usage, from `since` on and before `until`; None does not filter.

    Both are taken to whole steps, outwards. `model` is the bare name, as tasks have it; `version`
    is one of the prompt, and means nothing without it. Steps begin
    at the midnights of `zone`; in one that is not whole hours from UTC, usage is told apart at the
    full hours.
    """

    since: datetime
    until: datetime
    source_type: str | None = None
    prompt_id: UUID | None = None
    version: int | None = None
    provider: str | None = None
    model: str | None = None
    key_id: UUID | None = None
    status: str | None = None
    tag: str | None = None
    step: Step | None = None
    zone: str = "UTC"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is really read: whole hours, or days (UTC)."""

    since: datetime
    until: datetime
    step: Step
    zone: str

    @property
    def before(self) -> "Span":
        """Return the time of the same length right before."""
        length = self.until - self.since
        return msgspec.structs.replace(self, since=self.since - length, until=self.since)

    def steps(self) -> Iterator[datetime]:
        """Yield when each step begins, also of those in which nothing was used."""
        at = floor(self.since, self.step, self.zone)
        while at < self.until:
            yield at
            at = following(at, self.step, self.zone)


def moments(span: Span) -> dict[str, datetime]:
    """Return a time as the parameters of a query."""
    return {"since": span.since, "until": span.until}


def months(span: Span) -> dict[str, Any]:
    """Return a time as whole months and days (UTC) and the hours at both ends, for a query."""
    first, last, ends = _whole_days(span)
    begin = floor(first, "month", "UTC")
    first_month = begin if begin == first else following(first, "month", "UTC")
    last_month = floor(last, "month", "UTC")
    if first_month >= last_month:
        first_month = last_month = last
    parts = {"first": first, "first_month": first_month, "last_month": last_month, "last": last}
    return {**moments(span), **parts, "ends": ends}


def days(span: Span) -> dict[str, Any]:
    """Return a time as whole days (UTC) and the hours at both ends; steps of hours have no days."""
    first, last, ends = _whole_days(span)
    if span.step == "hour":
        first, last, ends = span.since, span.since, _hours(span.since, span.until)
    return {**moments(span), "first": first, "last": last, "ends": ends}


@lru_cache(maxsize=64)  # all series of a dashboard ask for the same
def moved(span: Span) -> tuple[datetime, ...]:
    """Return the hours, of those of its whole days, in another step than their day's noon."""
    whole = days(span)
    found: list[datetime] = []
    for begin in span.steps():
        day = _ceiling(begin - HALF_A_DAY)
        hours = _hours(_whole_hour(begin), day) if begin < day else _hours(day, begin)
        found += [at for at in hours if whole["first"] <= at < whole["last"]]
    return tuple(found)


def _whole_days(span: Span) -> tuple[datetime, datetime, list[datetime]]:
    """Return from and until when the whole days (UTC) of a time are, and its other hours."""
    first, last = _ceiling(span.since), floor(span.until, "day", "UTC")
    if first >= last:
        return span.since, span.since, _hours(span.since, span.until)
    return first, last, [*_hours(span.since, first), *_hours(last, span.until)]


def _hours(since: datetime, until: datetime) -> list[datetime]:
    """Return when each hour begins from `since` on and before `until`."""
    count = -((since - until) // HOUR)
    return [since + number * HOUR for number in range(count)]


def _ceiling(at: datetime) -> datetime:
    """Return the first midnight (UTC) from a moment on."""
    return floor(at + 2 * HALF_A_DAY - RESOLUTION, "day", "UTC")


def _whole_hour(at: datetime) -> datetime:
    """Return the first full hour from a moment on."""
    return floor(at + HOUR - RESOLUTION, "hour", "UTC")


def span_of(which: UsageFilter, *, by_hour: bool = False) -> Span:
    """Return the time to read for a filter; with `by_hour` taken to whole hours, not days.

    Raises InvalidInput when it ends before it begins, is too long, or has too many steps.
    """
    since, until = _utc(which.since), _utc(which.until)
    length = until - since
    if length <= timedelta():
        raise InvalidInput("until must be later than since.", field="until")
    if length > LONGEST:
        raise InvalidInput("since and until must be at most ten years apart.", field="since")
    step = which.step or _fitting(length)
    if step == "hour" and length > MOST_HOURS:
        raise InvalidInput("Hours can be had of at most 31 days; ask for step=day.", field="step")
    by_hour = by_hour or step == "hour" or which.zone != "UTC"
    unit: Step = "hour" if by_hour else "day"
    end = floor(until, unit, "UTC")
    return Span(
        since=floor(since, unit, "UTC"),
        until=end if end == until else following(end, unit, "UTC"),
        step=step,
        zone=which.zone,
    )


def _fitting(length: timedelta) -> Step:
    for most, step in DEFAULT_STEPS:
        if length <= most:
            return step
    return "month"


def is_filtered(which: UsageFilter) -> bool:
    """Say whether a filter leaves anything out but by time."""
    return any(getattr(which, name) is not None for name in CLAUSES)


def clauses(which: UsageFilter) -> tuple[str, dict[str, Any]]:
    """Return a filter as a query's `{filters}`, and its parameters."""
    values = msgspec.structs.asdict(which)
    given = {name: values[name] for name in CLAUSES if values[name] is not None}
    return "".join(f" and {CLAUSES[name]}" for name in given), given


def floor(at: datetime, step: Step, zone: str) -> datetime:
    """Return when the step begins that a moment is in, as PostgreSQL's date_trunc says it."""
    local = at.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
    if step != "hour":
        local = local.replace(hour=0)
    if step == "week":
        local -= timedelta(days=local.weekday())
    if step == "month":
        local = local.replace(day=1)
    return local.astimezone(UTC)


def following(at: datetime, step: Step, zone: str) -> datetime:
    """Return when the step after the one that begins at `at` begins."""
    if step == "hour":
        return at + timedelta(hours=1)
    days = {"day": 1, "week": 7, "month": 31}[step]
    local = at.astimezone(ZoneInfo(zone)) + timedelta(days=days, hours=3)
    return floor(local, step if step != "week" else "day", zone)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)

"""What usage is asked for: a time, filters, and the steps that a chart of it has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from airuns.errors import InvalidInput

Step = Literal["hour", "day", "week", "month"]
Dimension = Literal["model", "provider", "prompt", "source", "key", "tag", "status"]

MOST_HOURS = timedelta(days=31)
MOST_LOCAL_DAYS = timedelta(days=100)
LONGEST = timedelta(days=3700)

DEFAULT_STEPS: tuple[tuple[timedelta, Step], ...] = (
    (timedelta(days=3), "hour"),
    (timedelta(days=92), "day"),
    (timedelta(days=400), "week"),
)

CLAUSES = {
    "source_type": "v.source_type = %(source_type)s",
    "prompt_id": "v.prompt_id = %(prompt_id)s",
    "provider": "v.provider = %(provider)s",
    "model": "v.model = %(model)s",
    "key_id": "v.key_id = %(key_id)s",
    "status": "v.status = %(status)s",
    "tag": "v.tag = %(tag)s",
}


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which usage, from `since` on and before `until`; None does not filter.

    Both are taken to whole steps, outwards. `model` is the bare name, as tasks have it. Steps begin
    at the midnights of `zone` up to 100 days back, and of UTC in longer times; in a zone that is
    not whole hours from UTC, at the full hour before.
    """

    since: datetime
    until: datetime
    source_type: str | None = None
    prompt_id: UUID | None = None
    provider: str | None = None
    model: str | None = None
    key_id: UUID | None = None
    status: str | None = None
    tag: str | None = None
    step: Step | None = None
    zone: str = "UTC"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is really read: whole steps, from a view by hour or by day."""

    since: datetime
    until: datetime
    step: Step
    view: Literal["usage_by_hour", "usage_by_day"]
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


def span_of(which: UsageFilter) -> Span:
    """Return the time to read for a filter.

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
    by_hour = step == "hour" or (which.zone != "UTC" and length <= MOST_LOCAL_DAYS)
    zone = which.zone if by_hour else "UTC"
    unit: Step = "hour" if by_hour else "day"
    end = floor(until, unit, "UTC")
    return Span(
        since=floor(since, unit, "UTC"),
        until=end if end == until else following(end, unit, "UTC"),
        step=step,
        view="usage_by_hour" if by_hour else "usage_by_day",
        zone=zone,
    )


def _fitting(length: timedelta) -> Step:
    for most, step in DEFAULT_STEPS:
        if length <= most:
            return step
    return "month"


def clauses(which: UsageFilter) -> tuple[str, dict[str, Any]]:
    """Return a filter as a query's `{filters}`, and its parameters; without a tag, rows of none."""
    values = msgspec.structs.asdict(which)
    given = {name: values[name] for name in CLAUSES if values[name] is not None}
    texts = [CLAUSES[name] for name in given]
    if which.tag is None:
        texts.append("v.tag is null")
    return "".join(f" and {text}" for text in texts), given


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

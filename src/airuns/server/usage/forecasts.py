"""What a month will cost, from what its days have cost so far."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from airuns.server.money import Usd
from airuns.server.usage.records import Forecast

DAYS_OF_MEAN = 28
PLACES = 6


def window(now: datetime) -> datetime:
    """Return from when on a forecast needs to know what was spent: by day, in UTC."""
    today = _midnight(now)
    return min(today.replace(day=1), today - timedelta(days=DAYS_OF_MEAN))


def forecast(spent_by_day: list[tuple[datetime, Decimal]], now: datetime) -> Forecast | None:
    """Return what the month of `now` will cost; None when no cost is known.

    It is what was spent so far, and the daily mean of the last 28 whole days (of those since the
    first cost, if these are fewer; of today, if there are none) for the rest of the month.
    """
    if not spent_by_day:
        return None
    now = now.astimezone(UTC)
    today = _midnight(now)
    month = today.replace(day=1)
    first = min(at for at, _ in spent_by_day)
    days = min(DAYS_OF_MEAN, (today - first).days)
    since, days = (today - timedelta(days=days), days) if days else (today, 1)
    until = today if since < today else today + timedelta(days=1)
    mean = _sum(spent_by_day, since, until) / days
    left = (_midnight(month + timedelta(days=32)).replace(day=1) - now) / timedelta(days=1)
    spent = _sum(spent_by_day, month, month + timedelta(days=32))
    return Forecast(
        spent=Usd(spent),
        daily_mean=Usd(round(mean, PLACES)),
        days_left=left,
        cost=Usd(round(spent + mean * Decimal(left), PLACES)),
    )


def _sum(spent_by_day: list[tuple[datetime, Decimal]], since: datetime, until: datetime) -> Decimal:
    return sum((cost for at, cost in spent_by_day if since <= at < until), Decimal(0))


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

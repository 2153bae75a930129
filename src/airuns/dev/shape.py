"""How a seeded store is laid out: who has how many runs, how long they are, and when they were."""

import random
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import msgspec

LONGEST = 500
"""Turns by the user of the longest conversation."""

_TAIL = 1.7
"""Exponent of the power law of lengths: few conversations are very long."""
_HOUR_MS = 3_600_000
_DAY = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 14, 16, 18, 18, 17, 14, 11, 9, 9, 8, 6, 4)
_WEEK = (10, 11, 11, 10, 9, 3, 3)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to seed: equal options give an equal store.

    `messages` is the mean per run; `until` is when the last runs were, `days` after the first.
    """

    runs: int
    users: int
    messages: float
    seed: int
    days: int
    until: datetime


def shares(runs: int, users: int) -> list[int]:
    """Return how many runs each user has, by a power law; the first has most."""
    weights = [(rank + 1) ** -1.2 for rank in range(users)]
    total = sum(weights)
    rest = [int(runs * weight / total) for weight in weights[1:]]
    return [runs - sum(rest), *rest]


class Lengths:
    """Draws how many turns a user takes in a conversation."""

    def __init__(self, mean: float) -> None:
        low, high = 0.0, 20 * mean
        for _ in range(40):
            scale = (low + high) / 2
            self._table = [_length(scale, (step + 0.5) / 4096) for step in range(4096)]
            if sum(self._table) < mean * len(self._table):
                low = scale
            else:
                high = scale

    def draw(self, rng: random.Random) -> int:
        """Return a length; their mean is the one that was asked for."""
        return self._table[int(rng.random() * len(self._table))]


def _length(scale: float, share: float) -> int:
    """Return the quantile of a shifted Pareto distribution (Lomax), 1 at least."""
    return 1 + min(LONGEST - 1, int(scale * ((1 - share) ** (-1 / _TAIL) - 1)))


class Calendar:
    """Spreads runs over the time, by the hours and days on which people work, more and more."""

    def __init__(self, until: datetime, days: int) -> None:
        self._first = until - timedelta(days=days)
        hours = [self._first + timedelta(hours=hour) for hour in range(days * 24)]
        weights = (
            _DAY[at.hour] * _WEEK[at.weekday()] * (1 + 2 * step / len(hours))
            for step, at in enumerate(hours)
        )
        self._sums = list(accumulate(weights))

    def at(self, share: float) -> int:
        """Return the time by which `share` of all runs had begun, in milliseconds since 1970."""
        wanted = share * self._sums[-1]
        hour = bisect_left(self._sums, wanted)
        before = self._sums[hour - 1] if hour else 0.0
        part = (wanted - before) / (self._sums[hour] - before)
        return int(self._first.timestamp() * 1000) + int((hour + part) * _HOUR_MS)


def this_hour() -> datetime:
    """Return when the running hour began."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

"""What comes first by relevance."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.search.walk import Match

FADES_DAYS = 60.0
LEAST_RECENCY = 0.3

FUSED_FROM = 60
MOST_BY_MEANING = 20


class Place(msgspec.Struct, frozen=True):
    """A run among what was found."""

    run_id: UUID
    order: tuple[Any, ...]


def ranked(found: list[Match], now: datetime) -> list[Place]:
    """Return runs by how well their best match fits, which fades with its age.

    A match fades to half of its worth in FADES_DAYS, but not below LEAST_RECENCY of it. Further
    matches of the run count a little.
    """
    scores: dict[UUID, tuple[float, int]] = {}
    for each in found:
        days = max((now - each.at) / timedelta(days=1), 0)
        recency = LEAST_RECENCY + (1 - LEAST_RECENCY) * 0.5 ** (days / FADES_DAYS)
        best, count = scores.get(each.run_id, (0.0, 0))
        scores[each.run_id] = max(best, each.rank * recency), count + 1
    places = (
        Place(run_id, (-round(best * (1 + 0.02 * min(count, 10)), 9), run_id))
        for run_id, (best, count) in scores.items()
    )
    return sorted(places, key=lambda place: place.order)


def fused(places: list[Place], near: Iterable[UUID]) -> list[Place]:
    """Return what words found, and what meaning did, as one: by the sum of 1 / (60 + its place).

    `near` are runs, nearest first; of those without the words the first MOST_BY_MEANING come in.
    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
    individual Rank Learning Methods", SIGIR 2009, with their 60.
    """
    scores = {place.run_id: 1 / (FUSED_FROM + at) for at, place in enumerate(places, 1)}
    room = len(scores) + MOST_BY_MEANING
    for at, run_id in enumerate(near, 1):
        if run_id in scores or len(scores) < room:
            scores[run_id] = scores.get(run_id, 0) + 1 / (FUSED_FROM + at)
    found = [Place(run_id, (-round(score, 9), run_id)) for run_id, score in scores.items()]
    return sorted(found, key=lambda place: place.order)

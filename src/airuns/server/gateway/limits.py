"""How many calls an API key may make in a minute: a token bucket, without a timer (GCRA)."""

import time
from collections.abc import Callable
from uuid import UUID

from airuns.errors import TooManyRequests


class RateLimits:
    """The buckets of one process. A full one lets a minute's calls through at once."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._free_at: dict[UUID, float] = {}

    def take(self, key_id: UUID, per_minute: int) -> None:
        """Let a call through, or raise TooManyRequests with the wait."""
        now = self._now()
        pause = 60 / per_minute
        free_at = max(self._free_at.get(key_id, 0.0), now)
        wait = free_at + pause - 60 - now
        if wait > 1e-9:
            raise TooManyRequests(
                f"This API key may make {per_minute} requests a minute; try again in {wait:.1f} s. "
                "Its limit is in the settings, under API keys.",
                retry_after=wait,
            )
        self._free_at[key_id] = free_at + pause

"""The limits of time of one model call."""

import asyncio
from collections.abc import Awaitable
from typing import Literal, TypeVar

from airuns.server.models.call import ProviderError, Timeouts

T = TypeVar("T")

Limit = Literal["connect", "first_token", "between_tokens", "total"]

MESSAGES: dict[Limit, str] = {
    "connect": "The provider could not be reached within {seconds:g} seconds.",
    "first_token": "The model sent no first token within {seconds:g} seconds.",
    "between_tokens": "The model stopped sending for {seconds:g} seconds.",
    "total": "The model's answer took more than {seconds:g} seconds.",
}


class Limits:
    """Which limit of a call runs out next. The clock starts when it is made."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self._now = asyncio.get_running_loop().time
        self._ends = self._now() + timeouts.total
        self._limit: Limit = "first_token"
        self._next = self._now() + timeouts.first_token

    def restart(self) -> None:
        """A piece of the answer has come: the time until the one after it starts now."""
        self._limit = "between_tokens"
        self._next = self._now() + self.timeouts.between_tokens

    def ran_out(self, limit: Limit) -> ProviderError:
        """Return the error of a limit that ran out."""
        seconds: float = getattr(self.timeouts, limit)
        return ProviderError(
            MESSAGES[limit].format(seconds=seconds),
            kind="timeout",
            code=f"{limit}_timeout",
            transient=limit == "connect",
        )

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Wait for the provider. Raises ProviderError when a limit runs out.

        Only this wait is timed, so that a slow consumer of the answer is never interrupted.
        """
        timeout = asyncio.timeout_at(min(self._next, self._ends))
        try:
            async with timeout:
                return await awaited
        except TimeoutError:
            if timeout.expired():
                limit = "total" if self._ends < self._next else self._limit
                raise self.ran_out(limit) from None
            raise

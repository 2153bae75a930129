"""The life of one task: call the model, hand on each piece, and say how it ended."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import aiohttp
import msgspec

from airuns.server.models import prices, transport
from airuns.server.models.call import (
    Call,
    Counted,
    Finished,
    Progress,
    ProviderError,
    Reasoning,
    Text,
    Timeouts,
    ToolCall,
    Usage,
)
from airuns.server.models.estimate import estimate
from airuns.server.models.prices import OwnPrice
from airuns.server.runs.feed import Event, Feed
from airuns.server.runs.journal import Page
from airuns.server.runs.records import TaskEnd
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

LONGEST_RETRY_DELAY = 30.0
SETTLED_SECONDS = 10.0

FAULT: dict[str, Any] = {
    "code": "internal_error",
    "message": "The answer could not be kept as it came, by a fault of the server.",
}

INTERRUPTED: dict[str, Any] = {
    "code": "interrupted",
    "message": "The server stopped while this answer was being written. What had come is kept; "
    "retry the task to get a whole answer.",
}


class Execution:
    """One running task. `page` is None for an untracked one, which leaves no trace."""

    def __init__(
        self,
        *,
        user_id: UUID,
        task_id: UUID,
        run_id: UUID | None,
        call: Call,
        own_price: OwnPrice | None,
        page: Page | None,
        on_event: Callable[[Event], None],
    ) -> None:
        self.user_id = user_id
        self.task_id = task_id
        self.run_id = run_id
        self.call = call
        self.feed = Feed(task_id, on_event)
        self.page = page
        self.saved = 0
        self.handle: asyncio.Task[None] | None = None
        self._own_price = own_price
        self._calling = False
        self._stopped: Literal["cancelled", "interrupted"] | None = None
        self._began = time.monotonic()
        self._first_token: float | None = None
        self._tool_calls: list[ToolCall] = []
        self._reasoning: list[str] = []
        self._counted = Usage()
        self._attempts: list[dict[str, Any]] = []

    @property
    def is_settled(self) -> bool:
        """Say whether it began long enough ago that the database must know it."""
        return time.monotonic() - self._began > SETTLED_SECONDS

    def failed_by_us(self) -> TaskEnd:
        """Return the end that can always be saved: the text, and that the rest is our fault."""
        return TaskEnd(status="error", response_text=self.feed.text, response_errors=FAULT)

    def stop(self, why: Literal["cancelled", "interrupted"]) -> None:
        """Stop the call and close its connection; what has come is kept."""
        if self._stopped is None:
            self._stopped = why
            if self._calling and self.handle is not None:
                self.handle.cancel()

    async def run(self, http: aiohttp.ClientSession, settings: Settings) -> TaskEnd:
        """Call the model and return how it ended; raises only a cancellation from outside."""
        if self._stopped:
            return self._was_stopped()
        self._calling = True
        try:
            finished = await self._call(http, settings)
        except ProviderError as error:
            return self._failed(error)
        except asyncio.CancelledError:
            if not self._stopped or not (task := asyncio.current_task()):
                raise
            task.uncancel()
            return self._was_stopped()
        except Exception:  # whatever a defect of ours is, the task must end and say so
            reference = uuid4().hex[:12]
            log.exception("Task %s failed by a fault of the server, %s", self.task_id, reference)
            message = f"A fault of the server. Quote {reference} to whoever runs it."
            return self._ended("error", None, {"code": "internal_error", "message": message})
        finally:
            self._calling = False
        return self._ended("completed", finished, None)

    async def _call(self, http: aiohttp.ClientSession, settings: Settings) -> Finished:
        for attempt in range(settings.retries + 1):
            try:
                return await self._attempt(http, self._timeouts(settings))
            except ProviderError as error:
                last = attempt == settings.retries or self._first_token is not None
                if last or not error.transient:
                    raise
                delay = error.retry_after or settings.retry_delay * 2**attempt
                await self._wait(error, min(delay, LONGEST_RETRY_DELAY))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, http: aiohttp.ClientSession, timeouts: Timeouts) -> Finished:
        async with aclosing(transport.stream(self.call, http, timeouts)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    return piece
                if isinstance(piece, Counted):
                    self._counted = piece.usage
                    continue
                if self._first_token is None:
                    self._first_token = time.monotonic() - self._began
                if not isinstance(piece, Progress):
                    self._take(piece)
        raise ProviderError("The provider's stream ended without an end.", kind="protocol")

    def _take(self, piece: Text | Reasoning | ToolCall) -> None:
        if isinstance(piece, Text):
            if self.page is not None:
                self.page.write(piece.text)
            self.feed.add_text(piece.text)
        elif isinstance(piece, Reasoning):
            self._reasoning.append(piece.text)
            self.feed.add("task.data", {"reasoning": piece.text})
        else:
            self._tool_calls.append(piece)
            self.feed.add("task.tool", {"tool_call": _tool_call(piece)})

    async def _wait(self, error: ProviderError, delay: float) -> None:
        self._attempts.append(_described(error))
        self.feed.add("task.info", {"retrying_in": delay, "because": _described(error)})
        await asyncio.sleep(delay)

    def _timeouts(self, settings: Settings) -> Timeouts:
        return Timeouts(
            connect=settings.connect_timeout,
            first_token=settings.first_token_timeout,
            between_tokens=settings.token_timeout,
            total=max(settings.total_timeout - (time.monotonic() - self._began), 0.001),
        )

    def _was_stopped(self) -> TaskEnd:
        if self._stopped == "cancelled":
            return self._ended("cancelled", None, None)
        return self._ended("error", None, INTERRUPTED)

    def _failed(self, error: ProviderError) -> TaskEnd:
        return self._ended(
            "timeout" if error.kind == "timeout" else "error", None, _described(error)
        )

    def _ended(
        self, status: str, finished: Finished | None, errors: dict[str, Any] | None
    ) -> TaskEnd:
        text = self.feed.text
        usage = (finished.usage if finished else None) or self._estimate(text)
        cost = self._cost(usage)
        return TaskEnd(
            status=status,
            response_text=text,
            response_data=self._data(),
            response_info={**finished.info, "finish_reason": finished.reason} if finished else None,
            response_errors=errors,
            tool_updates=[_tool_call(call) for call in self._tool_calls] or None,
            response_metadata={"failed_attempts": self._attempts} if self._attempts else None,
            tokens_input=usage.input,
            tokens_output=usage.output,
            tokens_total=usage.total,
            tokens_cache_read=usage.cache_read,
            tokens_cache_write_5m=usage.cache_write_5m,
            tokens_cache_write_1h=usage.cache_write_1h,
            tokens_reasoning=usage.reasoning,
            usage_estimated=usage.estimated,
            cost=cost.usd if cost else None,
            price=cost.price if cost else None,
            time_to_first_token=self._first_token,
            total_time=time.monotonic() - self._began,
        )

    def _estimate(self, text: str) -> Usage:
        """The provider gave no usage at the end: estimate what it had not counted before.

        Where nothing came, what was not counted stays unknown.
        """
        if self._first_token is None:
            return self._counted
        calls = "".join(call.name + call.arguments for call in self._tool_calls)
        guess = estimate(self.call.messages, text + "".join(self._reasoning) + calls)
        if self._counted.input is None:
            return guess
        return msgspec.structs.replace(self._counted, output=guess.output, estimated=True)

    def _cost(self, usage: Usage) -> prices.Cost | None:
        return prices.cost_of(
            usage, self.call.endpoint.name, self.call.model, self._own_price, datetime.now(UTC)
        )

    def _data(self) -> dict[str, Any] | None:
        data: dict[str, Any] = {}
        if self._reasoning:
            data["reasoning"] = "".join(self._reasoning)
        if self._tool_calls:
            data["tool_calls"] = [_tool_call(call) for call in self._tool_calls]
        return data or None


def _tool_call(call: ToolCall) -> dict[str, Any]:
    """Return a tool call in the shape that OpenAI's messages have."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _described(error: ProviderError) -> dict[str, Any]:
    fields = {
        "code": error.code or error.kind,
        "message": error.message,
        "kind": error.kind,
        "status": error.status,
        "request_id": error.request_id,
    }
    return {name: value for name, value in fields.items() if value is not None}

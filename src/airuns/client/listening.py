"""Copies of what passes an httpx transport: the bytes go on untouched, at the same time.

Works with every httpx-like library whose streams are iterated and closed (httpx, httpx2).
"""

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, wraps
from typing import Any, Literal

from airuns.client.calls import RawCall
from airuns.client.delivery import delivery
from airuns.client.ids import new_id
from airuns.client.tracking import current_run
from airuns.events import CallEvent, Protocol

MARK = "_airuns_listens"


class Scope:
    """One request of a wrapped client, with all its attempts, of which the last is told."""

    def __init__(self, paths: dict[str, Protocol], provider: str | None) -> None:
        self.paths = paths
        self.provider = provider
        self.attempts = 0
        self.last: Attempt | None = None

    def attempt(self, request: Any) -> "Attempt | None":
        """Begin an attempt, unless the request is none that is recorded."""
        path: str = request.url.path
        protocols: list[Protocol] = [name for end, name in self.paths.items() if path.endswith(end)]
        if request.method != "POST" or not protocols:
            return None
        self.attempts += 1
        self.last = Attempt(self, protocols[0], request)
        return self.last

    def leave(self) -> None:
        """The client has answered its caller: there will be no further attempt."""
        if self.last is not None:
            self.last.is_final = True
            self.last.tell_if_ended()


current_scope: ContextVar[Scope | None] = ContextVar("airuns_scope", default=None)


class Attempt:
    """What went out and what came back, as far as it did."""

    def __init__(self, scope: Scope, protocol: Protocol, request: Any) -> None:
        self.scope = scope
        self.protocol: Protocol = protocol
        self.run = current_run()
        self.at = datetime.now(UTC)
        self.began = time.perf_counter()
        self.request: bytes = request.content
        self.endpoint = str(request.url).partition("?")[0][:2000]
        self.pieces: list[bytes] = []
        self.status: int | None = None
        self.encoding = ""
        self.is_stream = False
        self.first: float | None = None
        self.ended: float | None = None
        self.error: dict[str, Any] | None = None
        self.outcome: Literal["error", "timeout", "cancelled"] | None = None
        self.is_cut = self.is_final = self.is_told = False

    def answered(self, response: Any) -> None:
        """Take note of the head of the answer."""
        self.status = response.status_code
        self.encoding = response.headers.get("content-encoding", "").lower()
        self.is_stream = "event-stream" in response.headers.get("content-type", "")

    def came(self, piece: bytes) -> None:
        """Take note of a piece of the body."""
        if self.first is None:
            self.first = time.perf_counter()
        self.pieces.append(piece)

    def was_whole(self, response: Any) -> None:
        """Take note of an answer that was read before it came, as transports of tests do."""
        self.encoding = ""
        self.came(response.content)
        self.end()

    def end(self, error: BaseException | None = None, *, is_cut: bool = False) -> None:
        """There comes nothing more; the first to say so says why."""
        if self.ended is None:
            self.ended = time.perf_counter()
            self.is_cut = is_cut
            if error is not None:
                self.error = {"type": type(error).__name__, "message": str(error)}
                self.outcome = _outcome(error)
            self.tell_if_ended()

    def tell_if_ended(self) -> None:
        """Hand the call over once both its answer and its last attempt have ended."""
        if self.ended is None or not self.is_final or self.is_told:
            return
        self.is_told = True
        event = CallEvent(
            id=new_id(),
            at=self.at,
            protocol=self.protocol,
            request={},
            http_status=self.status,
            error=self.error,
            status=self.outcome,
            run_id=self.run.id if self.run else None,
            provider=self.scope.provider,
            endpoint=self.endpoint,
            time_to_first_token=self.first - self.began if self.first and self.is_stream else None,
            total_time=self.ended - self.began,
            response_metadata={"attempts": self.scope.attempts}
            if self.scope.attempts > 1
            else None,
        )
        body = b"".join(self.pieces) if self.status is not None else None
        delivery.put(RawCall(event, self.request, body, self.encoding, self.is_cut))


def _outcome(error: BaseException) -> Literal["error", "timeout", "cancelled"]:
    if not isinstance(error, Exception):
        return "cancelled"
    return "timeout" if "Timeout" in type(error).__name__ else "error"


def listen(transport: Any) -> None:
    """Have what passes a transport within a scope copied. Listening twice is listening once."""
    if hasattr(transport, MARK):
        return
    if hasattr(transport, "handle_request"):
        transport.handle_request = _sync(transport.handle_request)
    if hasattr(transport, "handle_async_request"):
        transport.handle_async_request = _async(transport.handle_async_request)
    setattr(transport, MARK, True)


def _sync(handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(handle)
    def handle_request(request: Any) -> Any:
        attempt = _attempt(request)
        if attempt is None:
            return handle(request)
        try:
            return _heard(handle(request), attempt)
        except BaseException as error:
            _safely(attempt.end, error)
            raise

    return handle_request


def _async(handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(handle)
    async def handle_async_request(request: Any) -> Any:
        attempt = _attempt(request)
        if attempt is None:
            return await handle(request)
        try:
            return _heard(await handle(request), attempt)
        except BaseException as error:
            _safely(attempt.end, error)
            raise

    return handle_async_request


def _attempt(request: Any) -> Attempt | None:
    scope = current_scope.get()
    return None if scope is None else _safely(scope.attempt, request)


def _heard(response: Any, attempt: Attempt) -> Any:
    """Return the response, with its stream listened to."""
    _safely(attempt.answered, response)
    if response.is_closed:
        _safely(attempt.was_whole, response)
    else:
        response.stream = _safely(_listening, response, attempt) or response.stream
    return response


def _listening(response: Any, attempt: Attempt) -> "_Ear":
    library = type(response).__mro__[-2].__module__.partition(".")[0]
    return _ear(library)(response.stream, attempt)


def _safely(act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do something for the record that must not hurt the call."""
    try:
        return act(*args, **kwargs)
    except Exception as error:
        delivery.say("listening", f"A call is not recorded: {error!r}")
        return None


class _Ear:
    """A stream that hands on another one's bytes."""

    def __init__(self, stream: Any, attempt: Attempt) -> None:
        self.stream = stream
        self.attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self.stream:
                _safely(self.attempt.came, piece)
                yield piece
        except Exception as error:
            _safely(self.attempt.end, error)
            raise
        _safely(self.attempt.end)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.stream:
                _safely(self.attempt.came, piece)
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            _safely(self.attempt.end, error)
            raise
        _safely(self.attempt.end)

    def close(self) -> None:
        _safely(self.attempt.end, is_cut=True)
        self.stream.close()

    async def aclose(self) -> None:
        _safely(self.attempt.end, is_cut=True)
        await self.stream.aclose()

    def __del__(self) -> None:
        _safely(self.attempt.end, is_cut=True)  # nobody read it to its end or closed it


@cache
def _ear(library: str) -> type[_Ear]:
    """Return the listener whose streams count as ones of httpx, httpx2, …"""
    module = sys.modules[library]
    return type("Ear", (_Ear, module.SyncByteStream, module.AsyncByteStream), {})

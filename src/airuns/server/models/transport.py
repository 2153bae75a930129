"""Model calls over HTTP: one request, and its answer as pieces while it comes in."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from types import ModuleType

import aiohttp
from yarl import URL

from airuns.server.models import anthropic, any_llm, failures, openai
from airuns.server.models.answer import Answer
from airuns.server.models.call import Call, Endpoint, Piece, ProviderError, Timeouts
from airuns.server.models.limits import Limits
from airuns.server.models.sse import MAX_EVENT_BYTES, Event, Reader

PROTOCOLS: dict[str, ModuleType] = {
    "openai": openai,
    "anthropic": anthropic,
    "any-llm": any_llm,
}

BROKEN = (aiohttp.ClientError, OSError)
NOT_AN_ADDRESS = (ValueError, aiohttp.NonHttpUrlClientError)
SETTLE_SECONDS = 0.05


def body(call: Call) -> bytes:
    """Return the request's body in its endpoint's protocol; the same call gives the same bytes."""
    return PROTOCOLS[call.endpoint.protocol].body(call)


def stream(
    call: Call, session: aiohttp.ClientSession, timeouts: Timeouts
) -> AsyncGenerator[Piece, None]:
    """Call the model and yield its answer; the last piece is `Finished`.

    Closing the generator (use contextlib.aclosing), or cancelling the task that waits for it,
    closes the connection to the provider at once. What it raises is always a ProviderError.
    """
    if call.endpoint.protocol == "any-llm":
        return any_llm.stream(call, timeouts)
    return _stream(call, session, timeouts)


def url_of(endpoint: Endpoint, path: str) -> URL:
    """Return an address below the endpoint's base URL, whose query (as Azure wants one) is kept."""
    base = URL(endpoint.base_url)
    return base.joinpath(*path.split("/")).with_query(base.query)


async def _stream(
    call: Call, session: aiohttp.ClientSession, timeouts: Timeouts
) -> AsyncGenerator[Piece, None]:
    protocol = PROTOCOLS[call.endpoint.protocol]
    limits = Limits(timeouts)
    data = protocol.body(call)
    response = await _send(call.endpoint, session, limits, "POST", protocol.PATH, data)
    request_id = failures.request_id(response.headers)
    decoder: openai.Decoder | anthropic.Decoder = protocol.Decoder()
    source = _Source(response, limits, decoder.answer)
    try:
        while events := await source.next():
            for event in events:
                for piece in decoder.feed(event) if event.data else ():
                    yield piece
        await source.settle()
        decoder.answer.note(request_id=request_id)
        for piece in decoder.answer.finish():
            yield piece
    except ProviderError as error:
        raise failures.shown(error, call.endpoint, request_id) from None
    finally:
        response.close()


async def get(
    endpoint: Endpoint, path: str, session: aiohttp.ClientSession, timeouts: Timeouts
) -> bytes:
    """Return what is at a path below the endpoint's base URL. Raises ProviderError."""
    limits = Limits(timeouts)
    response = await _send(endpoint, session, limits, "GET", path, None)
    try:
        return await _body(response, limits)
    finally:
        response.close()


async def post(
    endpoint: Endpoint,
    path: str,
    data: bytes,
    session: aiohttp.ClientSession,
    timeouts: Timeouts,
) -> bytes:
    """Return the answer, as a whole, to what is sent below the base URL. Raises ProviderError."""
    limits = Limits(timeouts)
    response = await _send(endpoint, session, limits, "POST", path, data)
    try:
        return await _body(response, limits)
    finally:
        response.close()


async def _send(
    endpoint: Endpoint,
    session: aiohttp.ClientSession,
    limits: Limits,
    method: str,
    path: str,
    data: bytes | None,
) -> aiohttp.ClientResponse:
    """Send a request and return its response, once its head has come and says success."""
    try:
        response = await limits.wait(
            session.request(
                method,
                url_of(endpoint, path),
                data=data,
                headers={
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    **PROTOCOLS[endpoint.protocol].headers(endpoint),
                },
                timeout=aiohttp.ClientTimeout(total=None, connect=limits.timeouts.connect),
                allow_redirects=False,
            )
        )
    except aiohttp.ServerTimeoutError:
        raise limits.ran_out("connect") from None
    except (*BROKEN, ValueError) as error:
        raise _unreached(endpoint, error) from None
    if not 200 <= response.status < 300:
        raise await _refused(response, limits, endpoint)
    return response


def _unreached(endpoint: Endpoint, error: Exception) -> ProviderError:
    return ProviderError(
        failures.scrubbed(f"{endpoint.name} could not be reached: {error}", endpoint),
        kind="connection",
        transient=not isinstance(error, NOT_AN_ADDRESS),
    )


async def _refused(
    response: aiohttp.ClientResponse, limits: Limits, endpoint: Endpoint
) -> ProviderError:
    try:
        said = await _body(response, limits)
    except ProviderError:
        said = b""
    response.close()
    return failures.of_response(
        response.status, response.headers, said, endpoint, datetime.now(UTC)
    )


async def _body(response: aiohttp.ClientResponse, limits: Limits, start: bytes = b"") -> bytes:
    """Return `start` and what follows. Raises ProviderError when it breaks off or is endless."""
    parts = [start]
    size = len(start)
    try:
        while part := await limits.wait(_part(response)):
            parts.append(part)
            size += len(part)
            if size > MAX_EVENT_BYTES:
                raise ProviderError("The provider's answer is too large.", kind="protocol")
    except BROKEN:
        raise _cut() from None
    return b"".join(parts)


class _Source:
    """The events of a response; a body that is one JSON document is one event."""

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, answer: Answer) -> None:
        self._response = response
        self._limits = limits
        self._answer = answer
        self._reader = Reader()
        self._begun = False
        self._over = False
        self._progress = 0

    async def next(self) -> list[Event]:
        """Return the next events, none at the end. Raises ProviderError when the end is missing."""
        if self._progress != self._answer.progress:
            self._progress = self._answer.progress
            self._limits.restart()
        while not (self._over or self._answer.ended):
            part = await self._part()
            if not self._begun and (start := part.lstrip()[:1]):
                self._begun = True
                if start == b"{":
                    return await self._whole(part)
                if start == b"<":
                    raise _web_page()
            self._over = not part
            if events := self._reader.feed(part) if part else self._rest():
                return events
        if not self._answer.complete:
            raise _cut()
        return []

    def _rest(self) -> list[Event]:
        """Return the last events, without one that the end of the stream cut in two."""
        return [event for event in self._reader.end() if event.data.endswith((b"}", b"]"))]

    async def settle(self) -> None:
        """Wait for the end of the response, so that its connection can be used again.

        It follows the end mark at once, or the connection is not worth the wait.
        """
        with contextlib.suppress(*BROKEN):
            async with asyncio.timeout(SETTLE_SECONDS):
                while await _part(self._response):
                    pass

    async def _whole(self, start: bytes) -> list[Event]:
        self._over = True
        return [Event("message", await _body(self._response, self._limits, start))]

    async def _part(self) -> bytes:
        """Return the next bytes, none at the end or where the connection broke after the answer."""
        try:
            return await self._limits.wait(_part(self._response))
        except BROKEN:
            if self._answer.complete:
                return b""
            raise _cut() from None


async def _part(response: aiohttp.ClientResponse) -> bytes:
    return await response.content.readany()


def _web_page() -> ProviderError:
    return ProviderError(
        "The provider answered with a web page; is its base URL right?", kind="protocol"
    )


def _cut() -> ProviderError:
    return ProviderError(
        "The provider cut the stream before the end of the answer.",
        kind="connection",
        transient=True,
    )

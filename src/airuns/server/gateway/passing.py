"""Passes calls through: the provider's bytes to the client, and on the way to the records."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from airuns.errors import AirunsError
from airuns.server.gateway import headers
from airuns.server.gateway.bodies import has_token
from airuns.server.gateway.calls import Call
from airuns.server.gateway.client import Client
from airuns.server.gateway.protocols import Refusal, failure
from airuns.server.gateway.recording import Open, Recording
from airuns.server.gateway.records import Begun, Ended
from airuns.server.gateway.routing import ANTHROPIC_VERSION, Target, credentials, url_of
from airuns.server.models import failures
from airuns.server.settings import Settings

BROKEN = (aiohttp.ClientError, OSError, ValueError)
NOT_OURS = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})
STREAM = b"text/event-stream"
MOST_WHOLE = 64 * 1024 * 1024
MOST_DRAINED = 16 * 1024 * 1024
MOST_SAID = 2000
RUN_SECONDS = 0.1  # that a head waits for the database to name its run

Answered = Callable[[Call, bytes], None]


class _Failed(Exception):
    """A target did not answer; `refusal` is what the client gets when no other does."""

    def __init__(self, refusal: Refusal, status: str, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.status = status
        self.message = message


class _Answer(msgspec.Struct):
    """What a target answers: its head and what has come of its body."""

    target: Target
    url: str
    response: aiohttp.ClientResponse
    first: bytes
    streams: bool


class Passing:
    """Passes the calls of one process through."""

    def __init__(self, settings: Settings, recording: Recording, answered: Answered) -> None:
        self._settings = settings
        self._recording = recording
        self._answered = answered
        self._urls: dict[tuple[str, str], URL] = {}
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._http = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=NOT_OURS,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout),
        )

    async def close(self) -> None:
        """Close the connections to providers."""
        await self._http.close()

    async def call(self, call: Call, client: Client) -> int:
        """Pass a call through; return the status that the client got."""
        open_ = self._begin(call) if call.protocol and call.wishes.tracked else None
        tried: list[dict[str, Any]] = []
        passage = _Passage(self._recording, call, client, open_, tried)
        try:
            answer = await self._answer(call, tried)
            try:
                return await passage.through(answer, self._settings, self._answered)
            finally:
                answer.response.close()
        except _Failed as failed:
            return await passage.refuse(failed)
        except AirunsError as error:
            passage.impossible(error)
            raise
        except asyncio.CancelledError:
            passage.cancelled()
            if not client.stopped:
                raise
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            return 499

    def _begin(self, call: Call) -> Open:
        target = call.targets[0]
        wishes = call.wishes
        assert call.protocol is not None
        return self._recording.begin(
            Begun(
                id=call.id,
                user_id=call.caller.who.user_id,
                key_id=call.caller.who.key_id,
                at=call.at,
                protocol=call.protocol,
                run_id=call.run_id,
                provider=target.endpoint.name,
                model=target.model or "",
                endpoint=str(self._url(call, target)),
                source_type=wishes.source_type,
                source_id=wishes.source_id,
                name=wishes.name,
                tags=wishes.tags,
                request=call.plain,
            )
        )

    def _url(self, call: Call, target: Target) -> URL:
        if call.query:
            return url_of(target.endpoint, call.path, call.query)
        key = (target.endpoint.base_url, call.path)
        if key not in self._urls:
            if len(self._urls) > 1000:
                self._urls.clear()
            self._urls[key] = url_of(target.endpoint, call.path, "")
        return self._urls[key]

    async def _answer(self, call: Call, tried: list[dict[str, Any]]) -> _Answer:
        """Ask one target after the other; the last one's answer stands, whatever it is."""
        *others, last = call.targets
        for target in others:
            try:
                answer = await self._ask(call, target)
            except _Failed as failed:
                tried.append({"model": target.name, "status": None, "message": failed.message})
                continue
            status = answer.response.status
            if not failures.is_transient(status):
                return answer
            said = failures.scrubbed(
                answer.first[:MOST_SAID].decode(errors="replace"), target.endpoint
            )
            tried.append({"model": target.name, "status": status, "message": said})
            answer.response.close()
        return await self._ask(call, last)

    async def _ask(self, call: Call, target: Target) -> _Answer:
        """Call a target and read the beginning of its answer, or all of one that is no stream."""
        settings, name = self._settings, target.endpoint.name
        seconds = settings.first_token_timeout if call.streams else settings.total_timeout
        url = self._url(call, target)
        body = call.body_for(target)
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.request(
                    call.method,
                    url,
                    data=body if body or call.method not in ("GET", "HEAD", "DELETE") else None,
                    headers=_head_for(call, target, body),
                    allow_redirects=False,
                )
                streams = headers.content_type(response) == STREAM
                try:
                    first = await _first(response, whole=call.protocol is not None and not streams)
                except BaseException:
                    response.close()
                    raise
        except TimeoutError as error:
            raise _timed_out(call, name, error, settings, seconds) from None
        except BROKEN as error:
            said = failures.scrubbed(f"{name} could not be reached: {error}", target.endpoint)
            raise _Failed(failure(call.dialect, 502, said), "error", said) from None
        return _Answer(target, str(url), response, first, streams)


def _timed_out(
    call: Call, name: str, error: TimeoutError, settings: Settings, seconds: float
) -> _Failed:
    if isinstance(error, aiohttp.ServerTimeoutError):
        said = f"{name} could not be reached within {settings.connect_timeout:g} seconds."
    else:
        said = f"{name} did not answer within {seconds:g} seconds."
    return _Failed(failure(call.dialect, 504, said), "timeout", said)


def _head_for(call: Call, target: Target, body: bytes) -> CIMultiDict[str]:
    given = call.given
    head = CIMultiDict(given.sent)
    head.update(credentials(target.endpoint, call.dialect))
    if call.dialect == "anthropic" and not given.says_anthropic:
        head["anthropic-version"] = ANTHROPIC_VERSION
    if given.accept_encoding is not None:
        is_read = call.protocol is not None
        accepted = given.accept_encoding
        head["Accept-Encoding"] = headers.readable_encodings(accepted) if is_read else accepted
    if body is not call.body and given.content_encoding:
        head.pop("content-encoding", None)
    return head


async def _first(response: aiohttp.ClientResponse, *, whole: bool) -> bytes:
    first = await response.content.readany()
    if not whole or response.content.at_eof():
        return first
    parts = [first]
    size = len(first)
    while size < MOST_WHOLE and (part := await response.content.readany()):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


class _Passage:
    """One call on its way back to the client."""

    def __init__(
        self,
        recording: Recording,
        call: Call,
        client: Client,
        open_: Open | None,
        tried: list[dict[str, Any]],
    ) -> None:
        self._recording = recording
        self._call = call
        self._client = client
        self._open = open_
        self._tried = tried
        self._answer: _Answer | None = None
        self._first_token: float | None = None

    async def through(self, answer: _Answer, settings: Settings, answered: Answered) -> int:
        """Send an answer to the client as it comes, the end only when all is recorded."""
        self._answer = answer
        response, client = answer.response, self._client
        await self._find_run()
        content = response.content
        head = headers.answered(response.raw_headers, self._ids())
        if content.at_eof():
            self._keep(answer.first)
            self._end(answered)
            await client.head(response.status, head)
            await client.body(answer.first, last=True)
            return response.status
        await client.head(response.status, head)
        await self._stream(answer, settings, answered)
        return response.status

    async def _stream(self, answer: _Answer, settings: Settings, answered: Answered) -> None:
        client, content = self._client, answer.response.content
        now = asyncio.get_running_loop().time
        ends = now() + settings.total_timeout
        drained = 0
        piece = answer.first
        try:
            async with asyncio.timeout(None) as limit:
                while not content.at_eof():
                    self._keep(piece)
                    await client.body(piece, last=False)
                    limit.reschedule(min(ends, now() + settings.token_timeout))
                    piece = await content.readany()
                    limit.reschedule(None)
                    drained += len(piece) if client.gone else 0
                    if drained > MOST_DRAINED:
                        break
        except TimeoutError:
            self._broken("timeout", "The model stopped sending.")
            raise
        except BROKEN as error:
            self._broken("error", f"The provider cut the stream: {error}")
            raise
        self._keep(piece)
        self._end(answered)
        await client.body(piece, last=True)

    async def refuse(self, failed: _Failed) -> int:
        """Tell the client that no target answered."""
        await self._find_run()
        ids = self._ids()
        self._write(Ended(status=_status(failed.status), error=_error(failed)))
        await self._client.refuse(failed.refusal, ids)
        return failed.refusal.status

    def impossible(self, error: AirunsError) -> None:
        """Keep that a call could not be made at all."""
        self._write(Ended(status="error", error={"code": error.code, "message": error.detail}))

    def cancelled(self) -> None:
        """Keep what has come when nobody waits for the rest."""
        message = "The client went away." if self._client.gone else "The server is stopping."
        error = {"code": "client_gone" if self._client.gone else "interrupted", "message": message}
        self._write(Ended(status="cancelled" if self._client.gone else "error", error=error))

    async def _find_run(self) -> None:
        """Wait a little for the database to say which run it is; else the recorder finds out."""
        call = self._call
        if call.looking is None:
            return
        done, _ = await asyncio.wait((call.looking,), timeout=RUN_SECONDS)
        if done:
            call.run_id = call.looking.result()

    def _ids(self) -> list[tuple[bytes, bytes]]:
        call = self._call
        more: list[tuple[bytes, bytes]] = []
        if self._open:
            more.append((b"airuns-task-id", str(call.id).encode()))
            if call.run_id:
                more.append((b"airuns-run-id", str(call.run_id).encode()))
        if self._answer and self._answer.target.model:
            more.append((b"airuns-model", self._answer.target.name.encode()))
        return more

    def _keep(self, piece: bytes) -> None:
        if self._open is None or not piece:
            return
        self._recording.piece(self._open, piece)
        call, answer = self._call, self._answer
        if self._first_token is not None or answer is None or call.protocol is None:
            return
        if not answer.streams or has_token(call.protocol, piece):
            self._first_token = time.perf_counter() - call.began

    def _end(self, answered: Answered) -> None:
        if self._open is None or self._answer is None:
            return
        response = self._answer.response
        ended = Ended(http_status=response.status)
        if response.status == 200 and self._open.size:
            answered(self._call, b"".join(self._open.pieces))
        self._write(ended)

    def _broken(self, status: str, message: str) -> None:
        assert self._answer is not None
        message = failures.scrubbed(message, self._answer.target.endpoint)
        error = {"code": "connection" if status == "error" else status, "message": message}
        http_status = self._answer.response.status
        self._write(Ended(http_status=http_status, status=_status(status), error=error))

    def _write(self, ended: Ended) -> None:
        if self._open is None:
            return
        open_, self._open = self._open, None
        self._recording.end(open_, self._described(ended))

    def _described(self, ended: Ended) -> Ended:
        """Add who answered, when, and what was unusual."""
        answer, call = self._answer, self._call
        notes: dict[str, Any] = {}
        if self._tried:
            notes["tried"] = self._tried
        if self._client.gone:
            notes["client_gone"] = True
        response = answer.response if answer else None
        is_first = answer is None or answer.target is call.targets[0]
        return msgspec.structs.replace(
            ended,
            run_id=call.run_id,
            provider=None if is_first or not answer else answer.target.endpoint.name,
            model=None if is_first or not answer else answer.target.model,
            endpoint=None if is_first or not answer else answer.url,
            encoding=response.headers.get("Content-Encoding") if response else None,
            request_id=failures.request_id(response.headers) if response else None,
            first_token=self._first_token,
            total=time.perf_counter() - call.began,
            notes=notes or None,
        )


def _status(status: str) -> Any:
    return status


def _error(failed: _Failed) -> dict[str, Any]:
    kind = "timeout" if failed.status == "timeout" else "connection"
    return {"code": kind, "message": failed.message}

"""POST /v1/traces: OTLP over HTTP, as protobuf or JSON, answered as OTLP's specification says.

What may go away by itself is 429 or 503, which exporters try again; anything else they drop.
"""

import asyncio
from importlib import import_module
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException

from airuns.errors import TooLarge, TooManyRequests, Unavailable
from airuns.server import problems
from airuns.server.given import GivenSettings
from airuns.server.otlp.bodies import Unsupported, decompressed
from airuns.server.otlp.spans import Span
from airuns.server.otlp.taking import Intake
from airuns.server.settings import Settings

PROTOBUF, JSON = "application/x-protobuf", "application/json"
WIRES = {PROTOBUF: "wire_protobuf", JSON: "wire_json"}
LARGE = 200_000  # bytes; more are read in a thread, so that others need not wait
RETRY_SECONDS = 5

GivenIntake = NamedDependency[Intake]
AnyRequest = Request[Any, Any, Any]


# OTLP describes it, and answers errors in its own way: it is no part of our OpenAPI document.
@post("/v1/traces", status_code=200, opt={"public": True}, include_in_schema=False)
async def traces(
    request: AnyRequest, intake: GivenIntake, settings: GivenSettings
) -> Response[bytes]:
    """Take spans: an ExportTraceServiceRequest, as protobuf or JSON, also with gzip or deflate.

    Answers when they are durable. An API key is needed, in Authorization or x-api-key. Spans of
    model calls become tasks of runs, spans of tools tool updates; others are accepted and counted.
    """
    kind = request.content_type[0]
    media_type = kind if kind in WIRES else JSON
    # Protobuf takes long to import, and most servers never meet it.
    wire: Any = import_module(f"{__package__}.{WIRES[media_type]}")
    try:
        guard = request.app.state.guard
        who = (await guard.authenticate(_credentials(request), None)).who
        if kind not in WIRES:
            raise Unsupported(f"Content-Type {kind[:60]!r}: send {PROTOBUF} or {JSON}.")
        taken = await intake.take(who, await _spans(request, wire, settings))
        body = wire.answer(taken.rejected, taken.message)
        return Response(body, media_type=media_type, status_code=200)
    except Exception as error:
        return _failed(error, wire, media_type)


def _credentials(request: AnyRequest) -> str | None:
    """Return an Authorization header, also for those that can only send a key."""
    key = request.headers.get("x-api-key")
    return request.headers.get("authorization") or (f"Bearer {key}" if key else None)


async def _spans(request: AnyRequest, wire: Any, settings: Settings) -> list[Span]:
    try:
        body = await request.body()
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise TooLarge("The body is larger than AIRUNS_MAX_BODY allows.") from None
    encoding = request.headers.get("content-encoding", "")

    def read() -> list[Span]:
        return list(wire.read(decompressed(body, encoding, settings.max_traces)))

    return await asyncio.to_thread(read) if len(body) > LARGE or encoding else read()


def _failed(error: Exception, wire: Any, media_type: str) -> Response[bytes]:
    """Answer with a google.rpc.Status in the request's own encoding."""
    problem = problems.of(error, "POST /v1/traces")
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = f"{error.retry_after:.0f}"
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="AI Runs"'
    return Response(
        wire.failure(problem.detail),
        media_type=media_type,
        status_code=problem.status,
        headers=headers,
    )


routes = [traces]

"""Our own traces, where AIRUNS_OTLP_ENDPOINT is set: requests, and the calls of models within them.

Nothing of it is imported before. Texts are never sent. A call by the engine is told by its last
event; one through the gateway once it is recorded, as only then its tokens are known.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from airuns import __version__
from airuns.events import AnyEvent, CallEvent
from airuns.server.db.door import As
from airuns.server.models.reading import read_response

UNTRACED = ("/v1/traces", "/healthz", "/readyz", "/metrics", "/_static", "/socket.io")
OF_THE_GATEWAY = frozenset(
    {
        *("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/models"),
        *("/v1/messages", "/v1/messages/count_tokens"),
    }
)
ENDS = ("task.completed", "task.error", "task.cancelled")
TASK_ID = b"airuns-task-id"
TOKENS = ("input", "output", "cache_read", "reasoning")
MOST_OPEN = 10_000  # calls of the gateway that are not yet recorded

log = logging.getLogger(__name__)

Tell = Callable[[As, UUID | None, Any], None]


class _Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a span says of a call that has ended; times in seconds, tokens as TaskEvent has them."""

    task_id: UUID
    provider: str | None
    model: str | None
    operation: str = "chat"
    seconds: float | None
    first_token: float | None
    error: str | None
    tokens: dict[str, int | None]


class Tracing:
    """Sends the traces of one process."""

    def __init__(self, endpoint: str) -> None:
        named = {"service.name": "airuns", "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(named))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("airuns", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._open: OrderedDict[str, Context] = OrderedDict()

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def requests(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose requests are spans, which go on with those of callers."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith(UNTRACED):
                await app(scope, receive, send)
                return
            given = {name.decode("latin-1"): value for name, value in scope["headers"]}
            carrier = {
                name: given[name].decode("latin-1")
                for name in ("traceparent", "tracestate")
                if name in given
            }
            with self._tracer.start_as_current_span(
                scope["method"], self._propagator.extract(carrier), kind=SpanKind.SERVER
            ) as span:

                async def sending(message: Any) -> None:
                    if message["type"] == "http.response.start":
                        self._answered(span, message)
                    await send(message)

                try:
                    await app(scope, receive, sending)
                finally:
                    span.set_attributes({"http.request.method": scope["method"]})
                    span.set_attribute("http.route", route := _route(scope))
                    span.update_name(f"{scope['method']} {route}")

        return traced

    def hearing(self, tell: Tell) -> Tell:
        """Return what tells of the engine's tasks, heard by us too."""

        def told(who: As, run_id: UUID | None, event: Any) -> None:
            tell(who, run_id, event)
            if event.name in ENDS:
                try:
                    self._call(_of_engine(event.data), None)
                except Exception:  # a task has ended, whatever becomes of its span
                    log.exception("A call of a model could not be traced")

        return told

    def recorded(self, events: Sequence[AnyEvent]) -> None:
        """Tell of the gateway's calls among events that were stored."""
        for event in events:
            parent = self._open.pop(str(event.id), None)
            if parent is not None and isinstance(event, CallEvent):
                self._call(_of_gateway(event), parent)

    def _answered(self, span: trace.Span, message: Any) -> None:
        status = message["status"]
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        for name, value in message.get("headers", ()):
            if name.lower() == TASK_ID:
                self._open[value.decode()] = trace.set_span_in_context(span)
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)

    def _call(self, ended: _Ended, parent: Context | None) -> None:
        now = time.time_ns()
        start = now - int((ended.seconds or 0) * 1e9)
        values: dict[str, Any] = {
            "gen_ai.operation.name": ended.operation,
            "gen_ai.provider.name": ended.provider,
            "gen_ai.request.model": ended.model,
            "gen_ai.usage.input_tokens": ended.tokens["input"],
            "gen_ai.usage.output_tokens": ended.tokens["output"],
            "gen_ai.usage.cache_read.input_tokens": ended.tokens["cache_read"],
            "gen_ai.usage.reasoning.output_tokens": ended.tokens["reasoning"],
            "gen_ai.response.time_to_first_chunk": ended.first_token,
            "error.type": ended.error,
            "airuns.task_id": str(ended.task_id),
        }
        span = self._tracer.start_span(
            f"{ended.operation} {ended.model or ''}".strip(),
            parent,
            SpanKind.CLIENT,
            {name: value for name, value in values.items() if value is not None},
            start_time=start,
        )
        if ended.error:
            span.set_status(StatusCode.ERROR)
        span.end(now)


def _route(scope: Any) -> str:
    path = scope["path"]
    if path.startswith("/v1/"):
        return path if path in OF_THE_GATEWAY else "/v1/{path}"
    return str(scope.get("path_template", "/{path}"))


def _of_engine(data: dict[str, Any]) -> _Ended:
    """Read the last event of a task: a result, whose model is provider/name."""
    provider, slash, model = (data["model"] or "").partition("/")
    errors: dict[str, Any] = data["response_errors"] or {}
    return _Ended(
        task_id=data["task_id"],
        provider=provider if slash else None,
        model=(model if slash else provider) or None,
        seconds=data["total_time"],
        first_token=data["time_to_first_token"],
        error=None if data["status"] == "completed" else str(errors.get("code", data["status"])),
        tokens={name: data[f"tokens_{name}"] for name in TOKENS},
    )


def _of_gateway(event: CallEvent) -> _Ended:
    answered = read_response(event.protocol, event.response or "", event.http_status)
    errors = event.error or answered.error or {}
    usage = answered.usage
    return _Ended(
        task_id=event.id,
        provider=event.provider,
        model=str(event.request.get("model") or "") or None,
        operation="embeddings" if event.protocol == "openai.embeddings" else "chat",
        seconds=event.total_time,
        first_token=event.time_to_first_token,
        error=str(errors.get("code") or "error") if errors else None,
        tokens={name: getattr(usage, name, None) for name in TOKENS},
    )

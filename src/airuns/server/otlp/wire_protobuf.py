"""OTLP as protobuf: the only module that meets its generated classes, which have no full types."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # pyright: ignore[reportMissingTypeStubs]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from airuns.errors import Malformed
from airuns.server.otlp.spans import ERROR, Happening, Span


def read(body: bytes) -> Iterator[Span]:
    """Read an ExportTraceServiceRequest. Raises Malformed when it is none."""
    request: Any = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise Malformed("The body is no ExportTraceServiceRequest of OTLP.") from None
    for resource in request.resource_spans:
        service = _service(resource.resource.attributes)
        for scoped in resource.scope_spans:
            scope = scoped.scope.name
            for span in scoped.spans:
                yield _span(span, scope, service)


def answer(rejected: int, message: str) -> bytes:
    """Return an ExportTraceServiceResponse; with nothing to say it is empty."""
    response: Any = ExportTraceServiceResponse()
    if rejected or message:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
    return response.SerializeToString()


def failure(message: str) -> bytes:
    """Return a google.rpc.Status, as OTLP wants errors to be."""
    status: Any = Status(message=message)
    return status.SerializeToString()


def _service(attributes: Any) -> str | None:
    for pair in attributes:
        if pair.key == "service.name":
            return str(_plain(pair.value))
    return None


def _span(span: Any, scope: str, service: str | None) -> Span:
    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_dict(span.attributes),
        happenings=[
            Happening(event.name, event.time_unix_nano, _dict(event.attributes))
            for event in span.events
        ],
        is_error=span.status.code == ERROR,
        status_message=span.status.message,
        scope=scope,
        service=service,
    )


def _dict(pairs: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:  # as deep as protobuf lets a message be, which is 100
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _dict(value.kvlist_value.values)
    if kind == "bytes_value":
        return b64encode(value.bytes_value).decode()
    return getattr(value, kind)

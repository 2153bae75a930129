"""OTLP as JSON: ids in hexadecimal, names in camel case, 64-bit numbers as texts or numbers."""

from collections.abc import Iterator
from typing import Any

import msgspec

from airuns.errors import Malformed
from airuns.server.otlp.spans import ERROR, Happening, Span

Integer = int | str


class _Struct(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _Array(_Struct, frozen=True):
    values: "list[_Value]" = []


class _Pairs(_Struct, frozen=True):
    values: "list[_Pair]" = []


class _Value(_Struct, frozen=True):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Integer | None = None
    double_value: float | str | None = None
    array_value: _Array | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None

    def plain(self) -> Any:
        if self.string_value is not None:
            return self.string_value
        if self.int_value is not None:
            return int(self.int_value)
        if self.bool_value is not None:
            return self.bool_value
        if self.double_value is not None:
            return float(self.double_value)
        if self.array_value is not None:
            return [each.plain() for each in self.array_value.values]
        if self.kvlist_value is not None:
            return _dict(self.kvlist_value.values)
        return self.bytes_value


class _Pair(_Struct, frozen=True):
    key: str = ""
    value: _Value | None = None


class _Event(_Struct, frozen=True):
    name: str = ""
    time_unix_nano: Integer = 0
    attributes: list[_Pair] = []


class _Status(_Struct, frozen=True):
    code: int | str = 0
    message: str = ""


class _Span(_Struct, frozen=True):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: Integer = 0
    end_time_unix_nano: Integer = 0
    attributes: list[_Pair] = []
    events: list[_Event] = []
    status: _Status | None = None


class _Scope(_Struct, frozen=True):
    name: str = ""


class _ScopeSpans(_Struct, frozen=True):
    scope: _Scope | None = None
    spans: list[_Span] = []


class _Resource(_Struct, frozen=True):
    attributes: list[_Pair] = []


class _ResourceSpans(_Struct, frozen=True):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] = []


class _Request(_Struct, frozen=True):
    resource_spans: list[_ResourceSpans] = []


_decoder = msgspec.json.Decoder(_Request)


def read(body: bytes) -> Iterator[Span]:
    """Read an ExportTraceServiceRequest in JSON. Raises Malformed when it is none."""
    try:
        request = _decoder.decode(body)
        for resource in request.resource_spans:
            attributes = _dict(resource.resource.attributes) if resource.resource else {}
            service = attributes.get("service.name")
            for scoped in resource.scope_spans:
                scope = scoped.scope.name if scoped.scope else ""
                for span in scoped.spans:
                    yield _span(span, scope, None if service is None else str(service))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"The body is no ExportTraceServiceRequest of OTLP: {error}.") from None


def answer(rejected: int, message: str) -> bytes:
    """Return an ExportTraceServiceResponse in JSON; with nothing to say it is `{}`."""
    if not rejected and not message:
        return b"{}"
    partial = {"rejectedSpans": str(rejected), "errorMessage": message}
    return msgspec.json.encode({"partialSuccess": partial})


def failure(message: str) -> bytes:
    """Return a google.rpc.Status in JSON, as OTLP wants errors to be."""
    return msgspec.json.encode({"message": message})


def _span(span: _Span, scope: str, service: str | None) -> Span:
    status = span.status
    return Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_id=bytes.fromhex(span.parent_span_id),
        name=span.name,
        start=int(span.start_time_unix_nano),
        end=int(span.end_time_unix_nano),
        attributes=_dict(span.attributes),
        happenings=[
            Happening(event.name, int(event.time_unix_nano), _dict(event.attributes))
            for event in span.events
        ],
        is_error=status is not None and status.code in (ERROR, "STATUS_CODE_ERROR"),
        status_message=status.message if status else "",
        scope=scope,
        service=service,
    )


def _dict(pairs: list[_Pair]) -> dict[str, Any]:
    return {pair.key: pair.value.plain() if pair.value else None for pair in pairs}

"""Spans for tests: made by hand or by real instrumentations, sent as real exporters send them."""

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airuns.events import TaskEvent
from airuns.server.otlp import wire_protobuf
from airuns.server.otlp.spans import Happening, Span
from airuns.server.otlp.taking import Batch

SERVICE = "weather-bot"


def span(happenings: Iterable[Happening] = (), **given: Any) -> Span:
    """A span that is a trace of its own, with fields as given."""
    attributes = given.pop("attributes")
    values = {
        "trace_id": os.urandom(16),
        "span_id": os.urandom(8),
        "name": "chat gpt-4.1-mini",
        "start": 1_760_000_000_000_000_000,
        "end": 1_760_000_001_500_000_000,
        **given,
    }
    return Span(attributes=attributes, happenings=list(happenings), **values)


def called(**attributes: Any) -> dict[str, Any]:
    """Attributes of a model call by the current conventions, and more of them."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        **attributes,
    }


def sorted_out(spans: Iterable[Span]) -> Batch:
    """What spans are."""
    batch = Batch()
    for each in spans:
        batch.add(each)
    return batch


def event_of(**given: Any) -> TaskEvent:
    """The event of one span."""
    [(_, event)] = sorted_out([span(**given)]).calls
    return event


def messages_of(event: TaskEvent) -> list[dict[str, Any]] | None:
    """What a task was asked, as dicts with just the keys that they have."""
    return None if event.messages is None else [each.as_dict() for each in event.messages]


@contextmanager
def traced(exporter: SpanExporter | None = None) -> Generator[TracerProvider]:
    """A tracer provider of the test's own, whose spans are sent as they end."""
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


class Collected:
    """The spans of a provider, as they arrive after the wire."""

    def __init__(self, provider: TracerProvider) -> None:
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def batch(self) -> Batch:
        """What they are, in the order in which they ended."""
        return sorted_out(wire_protobuf.read(encoded(self._exporter.get_finished_spans())))


def encoded(spans: Iterable[ReadableSpan]) -> bytes:
    """The body that an OTLP exporter sends."""
    return encode_spans(list(spans)).SerializeToString()

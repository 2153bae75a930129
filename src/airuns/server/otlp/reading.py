"""A span of a model call as a task's event."""

import math
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import msgspec

from airuns.events import TaskEvent
from airuns.server.otlp import genai, openinference
from airuns.server.otlp.kinds import OPENINFERENCE, Kind, provider_of
from airuns.server.otlp.messages import Exchange, Fields, fields, items, parsed, text_in
from airuns.server.otlp.spans import Span, run_of
from airuns.server.otlp.tokens import counted
from airuns.wire import Message

SESSIONS = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
MODELS = (
    *("gen_ai.request.model", "llm.request.model_name", "llm.model_name"),
    *("embedding.model_name", "gen_ai.response.model"),
)
PARAMETERS = "gen_ai.request."
FIRST_TOKEN_SECONDS = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
FIRST_TOKEN_EVENTS = ("First Token Stream Event", "llm.content.completion.chunk")
USERS = ("user.id", "enduser.id", "traceloop.association.properties.user_id")

# What has its own place in a task, so that it is not kept a second time beside it.
PLACED = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"),
    *("gen_ai.tool.definitions", "gen_ai.prompt", "gen_ai.completion", "gen_ai.usage."),
    *("gen_ai.request.", "gen_ai.response.", "gen_ai.operation.name", "gen_ai.provider.name"),
    *("gen_ai.conversation.id", "server.address", "server.port", "error.type", "session.id"),
    *("llm.input_messages.", "llm.output_messages.", "llm.prompts.", "llm.choices."),
    *("llm.tools.", "llm.token_count.", "llm.invocation_parameters", "llm.model_name"),
    *("llm.finish_reason", "openinference.span.kind", "embedding.", "input.", "output."),
    *("tag.tags", "metadata", "user.id", "events", "all_messages_events", "logfire."),
    "model_request_parameters",
)
MOST_CHARACTERS = 2_000  # of an attribute that has no place of its own
MOST_ATTRIBUTES = 100
MOST_NAME = 200

UNNAMED = "unknown_service"
TIMEOUTS = ("timeout", "deadline")
Ended = Literal["completed", "error", "timeout", "cancelled"]


class Read(msgspec.Struct, frozen=True):
    """A task's event, and in words what of its span could not be kept."""

    event: TaskEvent
    faults: list[str]


def task_of(span: Span, kind: Kind) -> Read:
    """Return the event of a span that is a call of a model or an embedding."""
    given = span.attributes
    found, request = _exchange(span, kind)
    model = request.pop("model", None)
    info = _info(given, found)
    left, faults = _left(given)
    if found.unread:
        left |= found.unread
        faults += [f"{name} is no JSON; it is kept as it is" for name in found.unread]
    errors = errors_of(span)
    used = counted(given)
    event = TaskEvent(
        id=span.task_id,
        at=span.began_at,
        run_id=run_of_span(span, is_known=bool(found.asked)),
        status=ended(errors),
        messages=found.asked,
        request=request or None,
        service="embeddings" if kind == "embedding" else "chat",
        task_name=_cut(given.get("gen_ai.agent.name"), 100),
        provider=provider_of(given),
        endpoint=_endpoint(given),
        model=_model(given) or _cut(model, 300) or _cut(info.get("model"), 300),
        response_text=None if found.answer is None else text_of(found.answer),
        response=found.answer,
        response_data=_data(found),
        response_info=info or None,
        response_errors=errors,
        response_metadata=whence(span) | {"attributes": left},
        tokens_input=used.input,
        tokens_output=used.output,
        tokens_cache_read=used.cache_read,
        tokens_cache_write_5m=used.cache_write,
        tokens_reasoning=used.reasoning,
        cost=_cost(given),
        time_to_first_token=_first_token(span),
        total_time=span.seconds,
        completed_at=span.ended_at,
        source_type="custom",
        source_id=source_of(span),
        name=None if found.asked else _cut(given.get("gen_ai.agent.name") or span.name, 100),
        tags=_tags(given),
        metadata=_metadata(given),
    )
    return Read(event, faults)


def run_of_span(span: Span, *, is_known: bool = False) -> UUID | None:
    """Return the id of a span's run: that of its session, else of its trace.

    None, which leaves it to the messages, for a call that is a trace of its own (`is_known`: they
    are known).
    """
    for name in SESSIONS:
        if session := span.attributes.get(name):
            return run_of("session", str(session))
    return None if is_known and not span.parent_id else run_of("trace", span.trace_id.hex())


def source_of(span: Span) -> str | None:
    """Return the name of the service, unless it is the one that SDKs make up."""
    return None if (span.service or "").startswith(UNNAMED) else _cut(span.service, 200)


def whence(span: Span) -> Fields:
    """Return what says where a span is to be found in other tools."""
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "span_name": span.name[:200],
        "scope": span.scope[:200],
    }


def ended(errors: Fields | None) -> Ended:
    """Return how a call with these errors ended."""
    if errors is None:
        return "completed"
    kind = str(errors.get("code", "")).lower()
    if "cancel" in kind:
        return "cancelled"
    return "timeout" if any(word in kind for word in TIMEOUTS) else "error"


def errors_of(span: Span) -> Fields | None:
    """Return what went wrong, as {code, message, …}; None for nothing."""
    given = span.attributes
    raised: Fields = {}
    for happening in span.happenings:
        if happening.name == "exception":
            raised = happening.attributes
    if not span.is_error and "error.type" not in given:
        return None
    found = {
        "code": given.get("error.type") or raised.get("exception.type") or "error",
        "message": span.status_message or raised.get("exception.message") or "",
        "kind": "provider",
        "status": given.get("http.response.status_code"),
        "stacktrace": raised.get("exception.stacktrace"),
    }
    return {name: value for name, value in found.items() if value is not None}


def text_of(message: Message) -> str:
    """Return the text of an answer; empty for one that only calls tools."""
    if isinstance(message.content, str):
        return message.content
    texts = (part.get("text") for part in message.content or [])
    return "\n".join(text for text in texts if isinstance(text, str))


@lru_cache(1000)
def _has_place(name: str) -> bool:
    return name.startswith(PLACED)


def _left(given: Fields) -> tuple[Fields, list[str]]:
    """Return the attributes that have no place in a task, and in words what of them was cut."""
    left: Fields = {}
    faults: list[str] = []
    for name, value in given.items():
        if _has_place(name):
            continue
        if len(left) == MOST_ATTRIBUTES or len(name) > MOST_NAME:
            faults.append(f"attribute {name[:MOST_NAME]} is left out: there are too many")
        else:
            left[name] = _short(name, value, faults)
    return left, faults


def _short(name: str, value: Any, faults: list[str]) -> Any:
    text = text_in(value)
    if len(text) <= MOST_CHARACTERS:
        return value
    faults.append(f"attribute {name} is cut to {MOST_CHARACTERS} of {len(text)} characters")
    return text[:MOST_CHARACTERS]


def _exchange(span: Span, kind: Kind) -> tuple[Exchange, Fields]:
    given = span.attributes
    if OPENINFERENCE in given:
        found, request = openinference.exchange(span), openinference.request(span)
    else:
        found, request = genai.exchange(span), _request(given)
    if kind == "embedding":
        return Exchange(), request  # what is embedded is no conversation
    for name in ("messages", "input", "instructions", "system"):
        request.pop(name, None)
    return found, request


def _request(given: Fields) -> Fields:
    """Return what gen_ai.request.* and the tools say of the request beside its messages."""
    start = len(PARAMETERS)
    asked = {name[start:]: given[name] for name in given if name.startswith(PARAMETERS)}
    if tools := parsed(given.get("gen_ai.tool.definitions")):
        asked["tools"] = tools
    return asked


def _data(found: Exchange) -> Fields | None:
    calls = found.answer.tool_calls if found.answer else None
    data = {"reasoning": found.reasoning, "tool_calls": calls}
    return {name: value for name, value in data.items() if value} or None


def _info(given: Fields, found: Exchange) -> Fields:
    reasons = items(parsed(given.get("gen_ai.response.finish_reasons")))
    values = {
        "id": given.get("gen_ai.response.id"),
        "model": given.get("gen_ai.response.model") or given.get("llm.response.model_name"),
        "finish_reason": next(iter(reasons), found.finish_reason),
        "system_fingerprint": given.get("openai.response.system_fingerprint")
        or given.get("gen_ai.openai.response.system_fingerprint"),
    }
    return {name: str(value)[:200] for name, value in values.items() if value is not None}


def _model(given: Fields) -> str | None:
    return next((_cut(given[name], 300) for name in MODELS if given.get(name)), None)


def _endpoint(given: Fields) -> str | None:
    host, port = given.get("server.address"), given.get("server.port")
    if not host:
        return None
    return f"{host}:{port}"[:2000] if port else str(host)[:2000]


def _cost(given: Fields) -> Decimal | None:
    for name in ("llm.cost.total", "gen_ai.usage.cost"):
        usd = given.get(name)
        if isinstance(usd, int | float) and math.isfinite(usd) and 0 <= usd <= 10**12:
            return Decimal(str(usd))
    return None


def _first_token(span: Span) -> float | None:
    for name in FIRST_TOKEN_SECONDS:
        seconds = span.attributes.get(name)
        if isinstance(seconds, int | float) and 0 <= seconds <= 1e9:
            return float(seconds)
    for happening in span.happenings:
        if happening.name in FIRST_TOKEN_EVENTS:
            return span.after(happening.at)
    return None


def _tags(given: Fields) -> list[str]:
    found = (str(each).strip()[:50] for each in items(parsed(given.get("tag.tags"))))
    return list(dict.fromkeys(each for each in found if each))[:50]


def _metadata(given: Fields) -> Fields:
    metadata = fields(parsed(given.get("metadata")))
    user = next((given[name] for name in USERS if given.get(name)), None)
    return metadata if user is None else {**metadata, "user_id": str(user)}


def _cut(value: Any, most: int) -> str | None:
    return str(value).strip()[:most] or None if value else None

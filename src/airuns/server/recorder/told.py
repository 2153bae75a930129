"""What events tell of a task, whatever their form: one struct, which later events fill in."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput
from airuns.events import CallEvent, MessageEvent, RunEvent, TaskEvent
from airuns.server.models.call import Usage
from airuns.server.models.catalog import BY_NAME, KNOWN
from airuns.server.models.estimate import estimate
from airuns.server.models.reading import Answered, read_request, read_response
from airuns.server.models.usage import possible
from airuns.server.runs.rules import Turn, chain_hashes, turn_of

NAMED = {*BY_NAME, "local"}
MOST_COST = Decimal(10**12)
ENDS = ("completed", "error", "timeout", "cancelled")


class Told(msgspec.Struct, kw_only=True):
    """What is known of a task. None is unknown; times in seconds, cost in USD."""

    task_id: UUID
    run_id: UUID | None
    key_id: UUID | None
    status: str
    at: datetime
    completed_at: datetime | None
    turns: list[Turn] | None
    hashes: list[bytes]
    request_message_id: UUID | None
    request_data: dict[str, Any] | None
    service: str | None
    task_name: str | None
    provider: str | None
    endpoint: str | None
    model: str | None
    response_text: str | None
    answer: Turn | None
    response_data: Any
    response_info: Any
    response_errors: Any
    tool_updates: Any
    response_metadata: Any
    usage: Usage
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None
    source_type: str | None
    source_id: str | None
    name: str | None
    tags: list[str]
    metadata: dict[str, Any]

    @property
    def has_ended(self) -> bool:
        """Say whether the task has ended."""
        return self.status in ENDS

    @property
    def message(self) -> Turn | None:
        """The message that it answers with; None before its end, or when nothing came."""
        if not self.has_ended:
            return None
        if self.answer is None and self.response_text:
            return Turn("assistant", self.response_text)
        return self.answer

    def add(self, later: "Told") -> None:
        """Take in what a later event of the same task gives."""
        ended = self.has_ended
        for name in self.__struct_fields__:
            had, given = getattr(self, name), getattr(later, name)
            if name in ("task_id", "status", "at", "usage", "tool_updates"):
                continue
            if given is not None and given not in ([], {}) and (had in (None, [], {}) or not ended):
                setattr(self, name, given)
        self.at = min(self.at, later.at)
        if later.has_ended or later.status == "streaming":
            self.status = self.status if ended else later.status
        self.usage = _together(self.usage, later.usage, ended)
        self.tool_updates = _with_updates(self.tool_updates or [], later.tool_updates or []) or None


def _with_updates(had: list[Any], given: list[Any]) -> list[Any]:
    """Return updates of tools with later ones, which take the place of those with their ids."""
    ids = {each.get("id") for each in given} - {None}
    return [*(each for each in had if each.get("id") not in ids), *given]


def _together(usage: Usage, later: Usage, ended: bool) -> Usage:
    first, second = (usage, later) if ended else (later, usage)
    had = msgspec.structs.asdict(second)
    given = {name: v for name, v in msgspec.structs.asdict(first).items() if v is not None}
    return Usage(**{**had, **given, "estimated": first.estimated or second.estimated})


def of_task(event: TaskEvent, key_id: UUID | None, now: datetime) -> Told:
    """Return what a task event tells. Raises InvalidInput naming the field that cannot be."""
    _check(event)
    values = msgspec.structs.asdict(event)
    tokens = {
        name.removeprefix("tokens_"): values.pop(name)
        for name in list(values)
        if name[:7] == "tokens_"
    }
    answer = event.response and turn_of(event.response.as_dict())
    if event.messages is not None and event.request_message_id is not None:
        raise InvalidInput("Give messages or request_message_id.", field="request_message_id")
    for name in ("id", "messages", "request", "response", "usage_estimated"):
        del values[name]
    values["provider"], values["model"] = _names(event.provider, event.model)
    values["completed_at"] = _end(event, now)
    values["at"] = event.at or now
    values["response_text"] = event.response_text
    if event.response_text is None and answer is not None:
        values["response_text"] = answer.content
    turns = None if event.messages is None else [turn_of(m.as_dict()) for m in event.messages]
    return Told(
        task_id=event.id,
        key_id=key_id,
        turns=turns,
        hashes=chain_hashes(None, turns or []),
        request_data=event.request,
        answer=answer,
        usage=Usage(**tokens, estimated=event.usage_estimated),
        **values,
    )


def _check(event: TaskEvent) -> None:
    cached = (event.tokens_cache_read, event.tokens_cache_write_5m, event.tokens_cache_write_1h)
    if sum(count or 0 for count in cached) > (event.tokens_input or 0):
        raise InvalidInput(
            "tokens_input counts all input, also tokens_cache_*: it cannot be less than they are.",
            field="tokens_input",
        )
    if (event.tokens_reasoning or 0) > (event.tokens_output or 0):
        raise InvalidInput(
            "tokens_output counts reasoning too: it cannot be less than tokens_reasoning.",
            field="tokens_output",
        )
    if event.cost is not None and not 0 <= event.cost <= MOST_COST:
        raise InvalidInput("cost must be from 0 to 10^12 USD.", field="cost")


def _end(event: TaskEvent | CallEvent, now: datetime) -> datetime | None:
    if event.status not in ENDS and isinstance(event, TaskEvent):
        return None
    if isinstance(event, TaskEvent) and event.completed_at is not None:
        return event.completed_at
    if event.at is None:
        return now
    return event.at + timedelta(seconds=event.total_time or 0)


def of_call(event: CallEvent, key_id: UUID | None, now: datetime) -> Told:
    """Return what a call tells: its bodies are read here. Whatever they are, there is a task."""
    asked = read_request(event.protocol, event.request)
    answered = read_response(event.protocol, event.response or "", event.http_status)
    error = event.error or (None if event.status == "cancelled" else answered.error)
    status = event.status or ("error" if error else "completed" if answered.complete else "error")
    if status == "error" and error is None:
        error = {"code": "incomplete", "message": "The answer broke off before its end."}
    usage = _usage(answered, asked.messages)
    provider, model = _names(event.provider or provider_at(event.endpoint), asked.model)
    turns = [turn_of(message) for message in asked.messages]
    return Told(
        task_id=event.id,
        run_id=event.run_id,
        key_id=key_id,
        status=status,
        at=event.at or now,
        completed_at=_end(event, now),
        turns=turns,
        hashes=chain_hashes(None, turns),
        request_message_id=None,
        request_data=asked.request_data,
        service=event.service or _service(event),
        task_name=event.task_name,
        provider=provider,
        endpoint=event.endpoint,
        model=model and model[:300],
        response_text=answered.text,
        answer=turn_of(answered.message) if answered.message else None,
        response_data=answered.response_data,
        response_info={**answered.info, **(event.response_info or {})} or None,
        response_errors=error,
        tool_updates=answered.tool_calls or None,
        response_metadata=event.response_metadata,
        usage=possible(usage),
        cost=None,
        time_to_first_token=event.time_to_first_token,
        total_time=event.total_time,
        source_type=event.source_type,
        source_id=event.source_id,
        name=event.name,
        tags=event.tags,
        metadata=event.metadata,
    )


def _usage(answered: Answered, messages: list[dict[str, Any]]) -> Usage:
    """Return the tokens of an answer; those that its provider did not count are estimated.

    Where nothing was written, what was not counted stays unknown.
    """
    usage = answered.usage or Usage()
    if usage.output is not None or not answered.written:
        return usage
    guess = estimate(messages, answered.written)
    if usage.input is None:
        return guess
    return msgspec.structs.replace(usage, output=guess.output, estimated=True)


def _service(event: CallEvent) -> str | None:
    return "embeddings" if event.protocol == "openai.embeddings" else None


def _names(provider: str | None, model: str | None) -> tuple[str | None, str | None]:
    """Tell the provider from its model where the model's name has both."""
    prefix, slash, name = (model or "").partition("/")
    if slash and name and (provider == prefix or (provider is None and prefix in NAMED)):
        return prefix, name
    return provider, model


def provider_at(endpoint: str | None) -> str | None:
    """Return our name of the provider that is at an address, None when it is none that we know."""
    for known in KNOWN:
        if endpoint and known.base_url and endpoint.startswith(known.base_url):
            return known.name
    return None


def check_times(event: RunEvent | MessageEvent | TaskEvent | CallEvent) -> None:
    """Raise InvalidInput for a time without a zone, or one that no clock shows."""
    times: Iterable[tuple[str, datetime | None]] = [("at", event.at)]
    if isinstance(event, TaskEvent):
        times = [*times, ("completed_at", event.completed_at)]
    for field, at in times:
        if at is not None and at.tzinfo is None:
            raise InvalidInput(f"{field} needs a time zone, such as Z for UTC.", field=field)
        if at is not None and not 1970 <= at.astimezone(UTC).year <= 9000:
            raise InvalidInput(f"{field} must be a time from 1970 on.", field=field)

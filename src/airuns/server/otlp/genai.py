"""What GenAI semantic conventions say was asked and answered, in their current and older forms."""

from typing import Any

from airuns.server.otlp.flat import elements, nested
from airuns.server.otlp.messages import (
    Exchange,
    Fields,
    fields,
    items,
    of_chat,
    of_parts,
    parsed,
    plain,
    text_in,
)
from airuns.server.otlp.spans import Happening, Span
from airuns.wire import Message

DETAILS = "gen_ai.client.inference.operation.details"
PROMPT, COMPLETION = "gen_ai.prompt.", "gen_ai.completion."
ASKED_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"


def exchange(span: Span) -> Exchange:
    """Return what a span says was asked and answered."""
    given = span.attributes
    for happening in span.happenings:
        if happening.name == DETAILS:
            given = {**given, **happening.attributes}
    found = Exchange(unread={})
    events = [_event(each) for each in span.happenings]
    events += [fields(each) for each in items(parsed(given.get("events")))]  # pydantic-ai's first
    _current(given, found)
    if found.asked is None or found.answer is None:
        _flat(given, found)
    if found.asked is None or found.answer is None:
        _from_events(events, found)
    return found


def _current(given: Fields, found: Exchange) -> None:
    asked = _messages(given, "gen_ai.input.messages", found)
    system = _messages(given, "gen_ai.system_instructions", found)
    if asked is not None or system is not None:
        found.asked = _system(system or [], [m for each in asked or [] for m in _said(each)])
    answers = _messages(given, "gen_ai.output.messages", found)
    if answers:
        _take(found, answers[0])


def _messages(given: Fields, name: str, found: Exchange) -> list[Any] | None:
    value = given.get(name)
    if value is None:
        return None
    value = parsed(value)
    if isinstance(value, str):
        if name != "gen_ai.system_instructions":
            found.unread[name] = value
            return None
        return [{"type": "text", "content": value}]
    return items(value)


def _said(message: Any) -> list[Message]:
    return of_chat(fields(message)).messages


def _system(parts: list[Any], asked: list[Message]) -> list[Message]:
    """Put the instructions before the messages, unless these begin with them."""
    if not parts:
        return asked
    first = of_parts({"role": "system", "parts": parts}).messages
    return asked if asked[: len(first)] == first else [*first, *asked]


def _take(found: Exchange, message: Any) -> None:
    answer = fields(message)
    found.answered(of_chat({**answer, "role": "assistant"}))
    reason = answer.get("finish_reason")
    found.finish_reason = str(reason) if reason else found.finish_reason


def _flat(given: Fields, found: Exchange) -> None:
    """Read gen_ai.prompt.0.role and the like, and gen_ai.prompt as a whole."""
    lists = nested(given, PROMPT, COMPLETION)
    if found.asked is None:
        if lists[PROMPT]:
            found.asked = [m for each in lists[PROMPT] for m in _said(_unflat(each))]
        elif "gen_ai.prompt" in given:
            found.asked = _whole(given["gen_ai.prompt"], "user")
    if found.answer is None:
        if lists[COMPLETION]:
            _take(found, _unflat(lists[COMPLETION][0]))
        elif "gen_ai.completion" in given:
            found.answer = next(iter(_whole(given["gen_ai.completion"], "assistant")), None)


def _unflat(message: Any) -> Fields:
    """Return a message whose lists are below numbers as one with lists."""
    return {
        name: elements(each) if isinstance(each, dict) else each
        for name, each in fields(message).items()
    }


def _whole(value: Any, role: str) -> list[Message]:
    """Read messages that are one attribute: JSON of messages, or a text."""
    read = parsed(value)
    if fields(read).get("messages"):
        read = fields(read)["messages"]
    found = [fields(each) for each in items(read)]
    if found and all("role" in each or "content" in each for each in found):
        return [m for each in found for m in _said({"role": role, **each})]
    return [plain(role, text_in(value))]


def _event(happening: Happening) -> Fields:
    return {"event.name": happening.name, **happening.attributes}


def _from_events(events: list[Fields], found: Exchange) -> None:
    asked: list[Message] = []
    for event in events:
        name = str(event.get("event.name"))
        if found.asked is None and name in ASKED_EVENTS:
            asked += _said(_of_event({"role": ASKED_EVENTS[name], **event}))
        elif found.asked is None and name == "gen_ai.content.prompt":
            asked += _whole(event.get("gen_ai.prompt", ""), "user")
        elif found.answer is None and name == CHOICE:
            _take(found, _choice(event))
        elif found.answer is None and name == "gen_ai.content.completion":
            text = event.get("gen_ai.completion", "")
            found.answer = next(iter(_whole(text, "assistant")), None)
    if asked:
        found.asked = asked


def _of_event(event: Fields) -> Fields:
    return event if "content" in event or "tool_calls" in event else {**event, "content": None}


def _choice(event: Fields) -> Fields:
    """Return the message of a choice; it is an object, a text of JSON, or the event itself."""
    message = fields(parsed(event.get("message"))) or event
    if "content" not in message and isinstance(event.get("message"), str):
        message = {"content": event["message"]}
    return {**message, "finish_reason": event.get("finish_reason")}

"""What OpenInference spans say was asked and answered: paths of attributes, and whole values."""

from typing import Any

from airuns.server.otlp.flat import elements, nested
from airuns.server.otlp.messages import (
    REDACTED,
    Exchange,
    Fields,
    fields,
    items,
    of_chat,
    parsed,
    plain,
    text_in,
    tool_call,
)
from airuns.server.otlp.spans import Span
from airuns.wire import Message

ASKED, ANSWERED = "llm.input_messages.", "llm.output_messages."
PROMPTS, CHOICES = "llm.prompts.", "llm.choices."
TOOLS = "llm.tools."
TEXTS = "embedding.embeddings."


def exchange(span: Span) -> Exchange:
    """Return what a span says was asked and answered; hidden texts are unknown."""
    given = span.attributes
    lists = nested(given, ASKED, ANSWERED, PROMPTS, CHOICES)
    found = Exchange()
    asked = [m for each in lists[ASKED] for m in of_chat(_message(each)).messages]
    asked = asked or [_text("user", each, "prompt") for each in lists[PROMPTS]]
    asked = asked or _whole(given, "input", "user")
    found.asked = None if not asked or _is_hidden(asked) else asked
    if lists[ANSWERED]:
        found.answered(of_chat({**_message(lists[ANSWERED][0]), "role": "assistant"}))
    else:
        answers = [_text("assistant", each, "completion") for each in lists[CHOICES]]
        found.answer = next(iter(answers or _whole(given, "output", "assistant")), None)
    if found.answer is not None and _is_hidden([found.answer]):
        found.answer = None
    reason = given.get("llm.finish_reason")
    found.finish_reason = str(reason) if reason else None
    return found


def request(span: Span) -> Fields:
    """Return what was asked for beside the messages: parameters, tools, texts to embed."""
    given = span.attributes
    lists = nested(given, TOOLS, TEXTS)
    asked = fields(parsed(given.get("input.value")))
    asked |= fields(parsed(given.get("llm.invocation_parameters")))
    asked |= fields(parsed(given.get("embedding.invocation_parameters")))
    tools = [fields(each).get("tool", {}) for each in lists[TOOLS]]
    schemas = [parsed(fields(each).get("json_schema")) for each in tools]
    texts = [fields(fields(each).get("embedding")).get("text") for each in lists[TEXTS]]
    if schemas:
        asked["tools"] = schemas
    if any(texts):
        asked["input"] = texts
    return asked


def _message(node: Any) -> Fields:
    """Return a message of the chat shape, in which tool calls are said once."""
    given = fields(fields(node).get("message"))
    calls = [_call(each) for each in elements(given.get("tool_calls"))]
    contents = [fields(each) for each in elements(given.get("contents"))]
    if given.get("function_call_name"):
        arguments = given.get("function_call_arguments_json")
        calls.append(tool_call(None, given["function_call_name"], arguments))
    parts = [_part(each) for each in contents]
    calls = calls or [_call(each) for each in contents if "tool_call" in each]
    return {
        "role": given.get("role"),
        "name": given.get("name"),
        "content": [each for each in parts if each] or given.get("content"),
        "tool_calls": calls or None,
        "tool_call_id": given.get("tool_call_id"),
    }


def _call(node: Any) -> Fields:
    call = fields(fields(node).get("tool_call"))
    function = fields(call.get("function"))
    return tool_call(call.get("id"), function.get("name"), function.get("arguments"))


def _part(node: Fields) -> Fields | None:
    given = fields(node.get("message_content"))
    kind = given.get("type")
    if kind in ("tool_use", "tool_call"):
        return None
    if kind in ("text", "reasoning") or "text" in given:
        return {"type": kind or "text", "content": text_in(given.get("text") or "")}
    for modality in ("image", "audio", "video", "document"):
        media = fields(fields(given.get(modality)).get(modality))
        if "url" in media:
            return {"type": "uri", "modality": modality, "uri": str(media["url"])}
    return given or None


def _text(role: str, node: Any, name: str) -> Message:
    return plain(role, text_in(fields(fields(node).get(name)).get("text", "")))


def _whole(given: Fields, name: str, role: str) -> list[Message]:
    """Read a span that has but input.value or output.value: a text, or a body as it was sent."""
    value = given.get(f"{name}.value")
    if value in (None, "", REDACTED):
        return []
    body = fields(parsed(value))
    sent: Any = body.get("messages") or [
        fields(each).get("message") for each in items(body.get("choices"))
    ]
    if sent and all(fields(each) for each in sent):
        return [m for each in sent for m in of_chat({"role": role, **fields(each)}).messages]
    return [plain(role, text_in(value))]


def _is_hidden(messages: list[Message]) -> bool:
    return any(each.content == REDACTED for each in messages)

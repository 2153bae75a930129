"""OpenAI's fine-tuning files: {messages, tools}, and preferences {input, preferred_output, …}."""

import hashlib
from typing import Any, cast, get_args

import msgspec

from airuns.server.exports.foreign.talks import (
    Fields,
    Part,
    Role,
    Said,
    Talk,
    Unreadable,
    call,
    cleaned,
    fields,
    listed,
    objects,
    text,
)

SETTINGS = ("tools", "functions", "parallel_tool_calls", "tool_choice")
KEPT = ("weight", "name")


def is_example(record: Fields) -> bool:
    """Say whether a record is of this form."""
    if "messages" in record:
        return any("role" in each for each in objects(record["messages"]))
    return isinstance(record.get("input"), dict) and isinstance(
        record.get("preferred_output"), list
    )


def talk_of(record: Fields) -> Talk:
    """Return an example: one line, or the preferred answer beside the one that was not.

    Raises Unreadable.
    """
    given = fields(record["input"]) if "input" in record else record
    said = _line(listed(given.get("messages")), None, "", {})
    head = said[-1].key if said else None
    if "input" in record:
        end = head
        for name in ("preferred_output", "non_preferred_output"):
            is_preferred = name == "preferred_output"
            branch = _line(listed(record.get(name)), end, name, {"preferred": is_preferred})
            said += branch
            head = branch[-1].key if branch and is_preferred else head
    if not said:
        raise Unreadable("It has no messages.")
    digest = hashlib.sha256(msgspec.json.encode(cleaned(record), order="sorted")).hexdigest()
    return Talk(
        product="fine-tuning",
        key=digest[:40],
        title="",
        said=said,
        head=head,
        is_data=True,
        settings={name: given[name] for name in SETTINGS if given.get(name) is not None},
    )


def _line(messages: list[Any], above: str | None, prefix: str, metadata: Fields) -> list[Said]:
    said: list[Said] = []
    calls: list[Fields] = []
    for number, each in enumerate(messages):
        message = fields(each)
        role = message.get("role")
        if role == "function":
            role = "tool"
        if role not in get_args(Role):
            raise Unreadable(f"Message {number + 1} has no role that is known.")
        key = f"{prefix}{number}"
        own = list(objects(message.get("tool_calls"))) or _old_call(message, key)
        call_id = text(message.get("tool_call_id")) or (text(calls[-1].get("id")) if calls else "")
        more = {name: message[name] for name in KEPT if message.get(name) is not None}
        said.append(
            Said(
                key=key,
                above=said[-1].key if said else above,
                role=cast("Role", role),
                parts=_parts(message.get("content")),
                calls=own,
                call_id=call_id or None if role == "tool" else None,
                name=text(message.get("name")) or None,
                metadata={**metadata, **more},
            )
        )
        calls = own or calls
    return said


def _old_call(message: Fields, key: str) -> list[Fields]:
    """Return what was a call before there were tools."""
    told = fields(message.get("function_call"))
    return [call(f"call_{key}", text(told.get("name")), told.get("arguments"))] if told else []


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [text(content)]
    return list(objects(content))

"""Conversations of other products as readers tell them, whatever the product."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec

from airuns.server.models.texts import clean

Role = Literal["system", "developer", "user", "assistant", "tool"]
Fields = dict[str, Any]

LAST_YEAR = 2200


class Unreadable(Exception):
    """A record is not what its kind says; the text says why."""


class Named(msgspec.Struct, frozen=True):
    """A file that a message names. `read` returns its bytes, or None where they are not there."""

    name: str
    media_type: str = ""
    size: int | None = None
    read: Callable[[], bytes | None] | None = None


Part = str | Named | Fields


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the request that a message answers; seconds."""

    provider: str | None = None
    model: str | None = None
    settings: Fields = {}
    status: Literal["completed", "error", "timeout", "cancelled"] = "completed"
    error: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    total_time: float | None = None
    more: Fields = {}

    @property
    def says_something(self) -> bool:
        """Whether there is more to tell than that there was an answer."""
        return any((self.model, self.reasoning, self.error, self.tokens_input, self.total_time))


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message below `above` (None: a root): `key` is its name within the conversation.

    `parts` are its texts and files; those that are fields go through as they are.
    """

    key: str
    above: str | None
    role: Role
    parts: list[Part]
    at: datetime | None = None
    calls: list[Fields] = []
    call_id: str | None = None
    name: str | None = None
    metadata: Fields = {}
    asked: Asked | None = None


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation. `product` and `key` name it wherever it is read; `head` ends its line.

    Messages come in any order; those of the same parent in the order of their versions.
    """

    product: str
    key: str
    title: str
    said: list[Said]
    head: str | None = None
    at: datetime | None = None
    updated_at: datetime | None = None
    is_starred: bool = False
    is_archived: bool = False
    is_data: bool = False
    settings: Fields = {}
    metadata: Fields = {}


def fields(value: Any) -> Fields:
    """Return an object, or an empty one for anything else."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """Return a list, or an empty one for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def objects(value: Any) -> Iterator[Fields]:
    """Yield the objects of a list."""
    for each in listed(value):
        if isinstance(each, dict):
            yield cast("Fields", each)


def text(value: Any) -> str:
    """Return a text that can be stored, or an empty one for anything else."""
    return clean(value) if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """Return a number of things that can be, or None."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count else None


def moment(value: Any) -> datetime | None:
    """Return a time that is told in seconds since 1970 or in ISO 8601 (UTC where it says no zone).

    None for what cannot be a time.
    """
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and math.isfinite(value) and value > 0:
            at = datetime.fromtimestamp(value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if 1970 <= at.year < LAST_YEAR else None


def cleaned(value: Any) -> Any:
    """Return a value of JSON whose texts, at any depth, can be stored."""
    match value:
        case str():
            return clean(value)
        case list():
            return [cleaned(each) for each in cast("list[Any]", value)]
        case dict():
            return {clean(str(key)): cleaned(each) for key, each in cast("Fields", value).items()}
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def compact(value: Any) -> str:
    """Return a value as JSON that can be stored as a text."""
    return msgspec.json.encode(cleaned(value)).decode()


def call(call_id: str, name: str, arguments: Any) -> Fields:
    """Return a call of a tool in the OpenAI chat shape."""
    given = text(arguments) if isinstance(arguments, str) else compact(arguments)
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name[:200] or "tool", "arguments": given},
    }


def provider_of(model: str) -> str | None:
    """Return whose a model is, where its name tells."""
    if "/" in model:
        return model.partition("/")[0][:100].lower() or None
    name = model.lower()
    if name.startswith(("gpt", "o1", "o3", "o4", "chatgpt", "text-davinci", "codex")):
        return "openai"
    if name.startswith("claude"):
        return "anthropic"
    return "gemini" if name.startswith("gemini") else None

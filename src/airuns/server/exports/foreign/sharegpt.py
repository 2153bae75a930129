"""Conversations in the ShareGPT form: {id, conversations: [{from, value}, …]} and its variants."""

import hashlib
from typing import Any

import msgspec

from airuns.server.exports.foreign.talks import (
    Asked,
    Fields,
    Role,
    Said,
    Talk,
    Unreadable,
    call,
    compact,
    fields,
    objects,
    provider_of,
    text,
)

LISTS = ("conversations", "conversation", "items", "messages")
ROLES: dict[str, Role] = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "model", "ai"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function", "function_response"), "tool"),
    "system": "system",
    "developer": "developer",
    "function_call": "assistant",
}


def turns_of(record: Fields) -> list[Fields] | None:
    """Return the turns of a record, or None when it is of another form."""
    for name in LISTS:
        turns = list(objects(record.get(name)))
        if turns and all(_who(turn) and ("value" in turn or "from" in turn) for turn in turns):
            return turns
        if turns and name != "messages" and all(_who(turn) for turn in turns):
            return turns
    return None


def _who(turn: Fields) -> str:
    return text(turn.get("from")) or text(turn.get("role"))


def talk_of(record: Fields) -> Talk:
    """Return a conversation. Raises Unreadable."""
    turns = turns_of(record)
    if turns is None:
        raise Unreadable("It has no turns with from and value.")
    said: list[Said] = []
    call_id: str | None = None
    model = text(record.get("model"))
    asked = Asked(model=model, provider=provider_of(model)) if model else None
    system = text(record.get("system"))
    if system:
        said.append(Said(key="system", above=None, role="system", parts=[system]))
    for number, turn in enumerate(turns):
        who = _who(turn).lower()
        role = ROLES.get(who)
        if role is None:
            raise Unreadable(f"Turn {number + 1} is of {who[:60]!r}, which is nobody known.")
        calls = _calls(turn, number) if who == "function_call" else []
        answers = role == "tool" and call_id is not None
        above = said[-1].key if said else None
        said.append(
            Said(
                key=str(number),
                above=above,
                role="system" if role == "tool" and not answers else role,
                parts=[] if calls else [_words(turn)],
                calls=calls,
                call_id=call_id if answers else None,
                asked=asked if role == "assistant" else None,
            )
        )
        call_id = text(calls[0]["id"]) if calls else None
    return Talk(
        product="sharegpt",
        key=_key(record, turns),
        title=text(record.get("title")),
        said=said,
        is_data=True,
        metadata={"id": text(record["id"])} if text(record.get("id")) else {},
    )


def _words(turn: Fields) -> str:
    for name in ("value", "content", "text", "markdown"):
        if name in turn:
            value: Any = turn[name]
            return text(value) if isinstance(value, str) else compact(value)
    return ""


def _calls(turn: Fields, number: int) -> list[Fields]:
    try:
        told = fields(msgspec.json.decode(_words(turn)))
    except msgspec.DecodeError:
        return []
    name = text(told.get("name"))
    return [call(f"call_{number}", name, told.get("arguments"))] if name else []


def _key(record: Fields, turns: list[Fields]) -> str:
    """Return the record's id with a hash of how it begins: ids such as 1 are in many files.

    One without an id is named by the hash of all that it says.
    """
    own = record.get("id")
    given = str(own)[:100] if isinstance(own, str | int) and own != "" else ""
    of = turns[:1] if given else [turns, record.get("system")]
    digest = hashlib.sha256(msgspec.json.encode(of, order="sorted")).hexdigest()
    return f"{given}:{digest[:32]}" if given else digest[:40]

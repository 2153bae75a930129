"""Runs as text and as Markdown: what people read, and paste elsewhere."""

import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec

from airuns.server.exports.keys import Segment, segments
from airuns.server.exports.reading import Branches, Done, MessageRow, Piece, Reader
from airuns.server.money import plain
from airuns.server.runs.records import RunRow

ROLES = {
    "system": "System",
    "developer": "Developer",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool",
}

_backticks = re.compile(r"`+")


def name_of(run: RunRow) -> str:
    """Return a run's name as the name of a file: without what file systems refuse."""
    return clean(run.name) or str(run.id)


def clean(text: str) -> str:
    """Return a text without what file systems refuse, at most 100 characters, in any script."""
    text = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    return re.sub(r'[\s/\\:*?"<>|]+', " ", text)[:100].strip(" .")


def about(run: RunRow) -> list[tuple[str, str]]:
    """Return what is said of a run above its messages; what is not known is left out."""
    facts: list[tuple[str, Any]] = [
        ("Model", run.model),
        ("Source", run.source_type),
        ("Tags", ", ".join(run.tags)),
        ("Status", run.status),
        ("Started", f"{run.created_at:%Y-%m-%d %H:%M} UTC"),
        ("Last message", f"{run.last_message_at:%Y-%m-%d %H:%M} UTC"),
        ("Messages", f"{run.message_count:,}"),
        ("Tokens", None if run.total_tokens is None else f"{run.total_tokens:,}"),
        ("Cost", None if run.total_cost is None else f"${plain(run.total_cost)}"),
        ("Id", str(run.id)),
    ]
    return [(name, str(value)) for name, value in facts if value]


def heading(message: MessageRow) -> str:
    """Return who speaks and when."""
    return f"{ROLES[message.role]} · {message.created_at:%Y-%m-%d %H:%M} UTC"


class Part(msgspec.Struct, frozen=True):
    """A piece of a message: a text, a file that it names, or code such as a tool's arguments."""

    kind: str
    text: str
    attachment: dict[str, Any] | None = None


def parts(message: MessageRow) -> list[Part]:
    """Return what a message says, its files and its tool calls."""
    data: dict[str, Any] = msgspec.json.decode(message.data) if message.data else {}
    content = data.get("content", message.content) if data else message.content
    found: list[Part] = []
    if isinstance(content, str) and content:
        found.append(Part("text", content))
    listed = cast("list[Any]", content if isinstance(content, list) else [])
    found.extend(_part(part) for part in listed)
    found.extend(_call(call) for call in cast("list[Any]", data.get("tool_calls") or []))
    return found


def _call(call: Any) -> Part:
    function = _fields(_fields(call).get("function"))
    return Part("code", f"{function.get('name', 'tool')}({function.get('arguments', '')})")


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _part(part: Any) -> Part:
    fields = _fields(part)
    if isinstance(fields.get("text"), str):
        return Part("text", fields["text"])
    if fields.get("type") == "attachment":
        size = f"{fields['size']} bytes" if "size" in fields else ""
        absent = "" if "attachment_id" in fields else "not kept here"
        about = ", ".join(filter(None, [str(fields.get("media_type") or ""), size, absent]))
        said = f"{fields.get('name')} ({about})"
        return Part("file", said, fields)
    return Part("file", str(fields.get("type") or "something else"))


async def text(reader: Reader, branches: Branches) -> AsyncIterator[Piece]:
    """Yield runs as plain text, and say when each is done."""
    first = True
    async for run, told in conversations(reader, branches):
        if told is None:
            rule = "" if first else f"\n{'=' * 72}\n\n"
            facts = "".join(f"{name}: {value}\n" for name, value in about(run))
            yield f"{rule}{run.name}\n{facts}".encode()
            first = False
        elif isinstance(told, Segment):
            yield f"\n--- another branch, after message {told.after} ---\n".encode()
        elif isinstance(told, MessageRow):
            yield f"\n{heading(told)}\n{_as_text(told)}\n".encode()
        else:
            yield Done(run)


def _as_text(message: MessageRow) -> str:
    return "\n".join(
        f"[{part.text}]" if part.kind == "file" else part.text for part in parts(message)
    )


async def markdown(reader: Reader, branches: Branches) -> AsyncIterator[Piece]:
    """Yield runs as Markdown, and say when each is done."""
    first = True
    async for run, told in conversations(reader, branches):
        if told is None:
            rule = "" if first else "\n---\n\n"
            facts = "".join(f"- {name}: {_escaped(value)}\n" for name, value in about(run))
            yield f"{rule}# {_escaped(run.name)}\n\n{facts}".encode()
            first = False
        elif isinstance(told, Segment):
            yield f"\n---\n\n*Another branch, after message {told.after}:*\n".encode()
        elif isinstance(told, MessageRow):
            yield f"\n## {heading(told)}\n\n{_as_markdown(told)}\n".encode()
        else:
            yield Done(run)


def _as_markdown(message: MessageRow) -> str:
    return "\n\n".join(map(_part_as_markdown, parts(message)))


def _part_as_markdown(part: Part) -> str:
    if part.kind == "text":
        return part.text
    if part.kind == "file":
        return f"*[{_escaped(part.text)}]*"
    longest = max(map(len, _backticks.findall(part.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{part.text}\n{fence}"


def _escaped(value: str) -> str:
    """Return a text on one line that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(value.split()))


Told = tuple[RunRow, MessageRow | Segment | bool | None]


async def conversations(reader: Reader, branches: Branches) -> AsyncIterator[Told]:
    """Yield for each run (run, None), its messages with a Segment before each branch, and True."""
    query = "line_keys" if branches == "current" else "tree_keys"
    async for group in reader.groups():
        keys = await reader.keys(query, [run.id for run in group])
        heads = await reader.heads(group) if branches == "all" else {}
        at = 0
        for number, run in enumerate(group):
            start = at
            while at < len(keys) and keys[at].run == number:
                at += 1
            yield run, None
            mine = keys[start:at]
            lines = [Segment(mine, 0)] if branches == "current" else segments(mine, heads[run.id])
            for place, line in enumerate(lines):
                if place:
                    yield run, line
                async for message in reader.messages(line.keys):
                    yield run, message
            yield run, True

"""Conversations of ChatGPT's data export (2023 to 2026), each a tree of nodes (`mapping`).

The form is not documented; docs/import.md says what becomes of what. Reasoning goes to the answer
that follows it. Nodes without words, such as the root, are left out, and what is below them hangs
above.
"""

import re
from collections.abc import Callable
from typing import Any

from airuns.server.exports.foreign.talks import (
    Asked,
    Fields,
    Named,
    Part,
    Role,
    Said,
    Talk,
    Unreadable,
    call,
    compact,
    count,
    fields,
    listed,
    moment,
    objects,
    provider_of,
    text,
)

ROLES: dict[Any, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "developer": "developer",
}
REASONING = ("thoughts", "reasoning_recap")
ENDS: dict[Any, str] = {"max_tokens": "length", "stop": "stop", "length": "length"}

FileOf = Callable[[str], Named | None]
"""Finds the file that a pointer or an id names."""

_mark = re.compile("\ue200[^\ue201]{0,2000}\ue201")


def no_files(_: str) -> Named | None:
    """Find no file: there is none beside the conversations."""
    return None


def talk_of(record: Fields, file_of: FileOf = no_files) -> Talk:
    """Return a conversation. Raises Unreadable."""
    return _Reading(record, file_of).talk()


class _Reading:
    """Reads one conversation."""

    def __init__(self, record: Fields, file_of: FileOf) -> None:
        self._record = record
        self._file_of = file_of
        self._nodes = {key: fields(node) for key, node in fields(record.get("mapping")).items()}
        self._above = {key: self._parent(key) for key in self._nodes}
        self._below: dict[str, list[str]] = {}
        for key, parent in self._above.items():
            if parent is not None:
                self._below.setdefault(parent, []).append(key)
        self._said: dict[str, Said] = {}
        self._kept: dict[str, str | None] = {}
        self._calls: set[str] = set()

    def _parent(self, key: str) -> str | None:
        parent = self._nodes[key].get("parent")
        return parent if isinstance(parent, str) and parent in self._nodes else None

    def talk(self) -> Talk:
        record = self._record
        key = text(record.get("conversation_id")) or text(record.get("id"))
        if not key:
            raise Unreadable("It has no conversation_id.")
        for node in self._in_order():
            self._read(node)
        model = text(record.get("default_model_slug"))
        extra = {"gizmo_id": text(record.get("gizmo_id")), "default_model": model}
        current = record.get("current_node")
        return Talk(
            product="chatgpt",
            key=key,
            title=text(record.get("title")),
            said=list(self._said.values()),
            head=self._kept.get(current) if isinstance(current, str) else None,
            at=moment(record.get("create_time")),
            updated_at=moment(record.get("update_time")),
            is_starred=record.get("is_starred") is True,
            is_archived=record.get("is_archived") is True,
            metadata={name: value for name, value in extra.items() if value},
        )

    def _in_order(self) -> list[str]:
        """Return the nodes, parents before children, in the order of their versions."""
        waiting = [key for key, parent in self._above.items() if parent is None][::-1]
        ordered: list[str] = []
        while waiting:
            key = waiting.pop()
            ordered.append(key)
            below = self._below.get(key, [])
            order = {
                child: place
                for place, child in enumerate(listed(self._nodes[key].get("children")))
                if isinstance(child, str)
            }
            waiting.extend(
                sorted(below, key=lambda child: order.get(child, len(order)), reverse=True)
            )
        if len(ordered) != len(self._nodes):
            raise Unreadable("Its nodes are each other's parents.")
        return ordered

    def _read(self, key: str) -> None:
        above = self._above[key]
        kept_above = self._kept.get(above) if above is not None else None
        self._kept[key] = kept_above
        message = fields(self._nodes[key].get("message"))
        if not message or (self._is_reasoning(message) and self._below.get(key)):
            return
        parts = self._parts(message)
        role = ROLES.get(fields(message.get("author")).get("role"), "system")
        calls = self._calls_of(key, message, parts) if role == "assistant" else []
        if not calls and not any(part for part in parts):
            return
        if role == "tool" and kept_above not in self._calls:
            role = "system"  # models refuse a tool's result that nobody called for
        if calls:
            self._calls.add(key)
        self._kept[key] = key
        self._said[key] = Said(
            key=key,
            above=kept_above,
            role=role,
            parts=[] if calls else parts,
            at=moment(message.get("create_time")),
            calls=calls,
            call_id=_call_id(kept_above or "") if role == "tool" else None,
            name=text(fields(message.get("author")).get("name")) or None
            if role == "tool"
            else None,
            metadata=_metadata(message),
            asked=self._asked(key, message) if role == "assistant" else None,
        )

    @staticmethod
    def _is_reasoning(message: Fields) -> bool:
        return fields(message.get("content")).get("content_type") in REASONING

    def _calls_of(self, key: str, message: Fields, parts: list[Part]) -> list[Fields]:
        """Return the call that a message to a tool is, if a tool answers it."""
        recipient = text(message.get("recipient"))
        if recipient in ("", "all") or not any(isinstance(part, str) for part in parts):
            return []
        answers = (fields(self._nodes[child].get("message")) for child in self._below.get(key, []))
        if not any(fields(each.get("author")).get("role") == "tool" for each in answers):
            return []
        content = fields(message.get("content"))
        given = text(content.get("text")) or "\n".join(p for p in parts if isinstance(p, str))
        return [call(_call_id(key), recipient, given)]

    def _asked(self, key: str, message: Fields) -> Asked:
        more = fields(message.get("metadata"))
        model = text(more.get("model_slug")) or text(self._record.get("default_model_slug"))
        end = fields(more.get("finish_details")).get("type")
        is_stopped = end == "interrupted" or message.get("status") == "in_progress"
        reasoning = self._reasoning_above(key)
        return Asked(
            provider=(provider_of(model) or "openai") if model else "openai",
            model=model or None,
            status="cancelled" if is_stopped else "completed",
            reasoning=reasoning or None,
            finish_reason=ENDS.get(end) if isinstance(end, str) else None,
        )

    def _reasoning_above(self, key: str) -> str:
        """Return the reasoning between an answer and what is above it."""
        found: list[str] = []
        above = self._above[key]
        while above is not None and self._kept.get(above) != above:
            message = fields(self._nodes[above].get("message"))
            if self._is_reasoning(message):
                found.extend(part for part in self._parts(message) if isinstance(part, str))
            above = self._above[above]
        return "\n\n".join(reversed(found))

    def _parts(self, message: Fields) -> list[Part]:
        content = fields(message.get("content"))
        more = fields(message.get("metadata"))
        attached = {text(each.get("id")): each for each in objects(more.get("attachments"))}
        parts = _texts(content)
        shown: set[str] = set()
        for part in objects(content.get("parts")):
            pointer = _pointer(part)
            shown.add(pointer.rpartition("/")[2])
            if pointer:
                parts.append(self._named(pointer, part, attached))
            elif words := text(part.get("text")) or text(part.get("content")):
                parts.append(words)
        for file_id, each in attached.items():
            if file_id not in shown:
                parts.append(self._named(file_id, each, attached))
        references = list(objects(more.get("content_references")))
        return [_plain(part, references) if isinstance(part, str) else part for part in parts]

    def _named(self, pointer: str, part: Fields, attached: dict[str, Fields]) -> Named:
        file_id = pointer.rpartition("/")[2]
        said = attached.get(file_id, {})
        found = self._file_of(file_id)
        kind = text(part.get("content_type"))
        fallback = "picture" if "image" in kind else "recording" if "audio" in kind else "file"
        media_type = text(said.get("mime_type")) or text(said.get("mimeType"))
        return Named(
            name=text(said.get("name")) or (found.name if found else fallback),
            media_type=media_type or ("image/*" if fallback == "picture" else ""),
            size=count(said.get("size")) or count(part.get("size_bytes")),
            read=found.read if found else None,
        )


def _call_id(key: str) -> str:
    return f"call_{key}"[:64]


def _pointer(part: Fields) -> str:
    """Return what a part points to: a file, or the sound of a conversation that was spoken."""
    inner = fields(part.get("audio_asset_pointer"))
    return text(part.get("asset_pointer")) or text(inner.get("asset_pointer"))


def _texts(content: Fields) -> list[Part]:
    """Return the words of a message, whatever its content is."""
    match content.get("content_type"):
        case "thoughts":
            thoughts = objects(content.get("thoughts"))
            both = ((text(each.get("summary")), text(each.get("content"))) for each in thoughts)
            return ["\n".join(filter(None, pair)) for pair in both]
        case "reasoning_recap":
            return [text(content.get("content"))]
        case "user_editable_context":
            both = (text(content.get(name)) for name in ("user_profile", "user_instructions"))
            return list(filter(None, both))
        case "code":
            code = text(content.get("text"))
            return [f"```{_language(content)}\n{code}\n```"] if code else []
        case "tether_quote":
            named = (text(content.get(name)) for name in ("title", "url", "text"))
            return ["\n".join(filter(None, named))]
        case "tether_browsing_display":
            return [text(content.get("result")) or text(content.get("summary"))]
        case _:
            words = [text(part) for part in listed(content.get("parts")) if isinstance(part, str)]
            names = ("text", "result", "output_str", "content", "model_set_context")
            words = words or [text(content.get(name)) for name in names]
            known = content.keys() <= {"content_type", "parts", *names}
            return [*filter(None, words)] or ([] if known else [compact(content)])


def _language(content: Fields) -> str:
    language = text(content.get("language"))
    return language if language.isalnum() and language != "unknown" else ""


def _plain(words: str, references: list[Fields]) -> str:
    """Put links in the place of marks that only ChatGPT can show, and leave out the others."""
    if "\ue200" not in words:
        return words
    for reference in references:
        mark = text(reference.get("matched_text"))
        if "\ue200" in mark:
            words = words.replace(mark, text(reference.get("alt")))
    return _mark.sub("", words)


def _metadata(message: Fields) -> Fields:
    """Return what else is worth knowing of a message."""
    more = fields(message.get("metadata"))
    known: Fields = {}
    hidden = more.get("is_visually_hidden_from_conversation") is True
    if hidden or message.get("weight") == 0:
        known["hidden"] = True
    kind = fields(message.get("content")).get("content_type")
    if isinstance(kind, str) and kind not in ("text", "multimodal_text"):
        known["content_type"] = text(kind)
    if text(message.get("recipient")) not in ("", "all"):
        known["recipient"] = text(message.get("recipient"))
    if fields(message.get("author")).get("role") == "tool":
        known["tool"] = text(fields(message.get("author")).get("name"))
    return known

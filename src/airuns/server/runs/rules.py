"""Decisions of the run tree without a database: what a message is, its hash, a run's name."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any, cast

import msgspec
from markdown_it import MarkdownIt

from airuns.server.runs.sameness import essence

ENDED = ("completed", "error", "timeout", "cancelled")
NAME_LENGTH = 50

_sentence = re.compile(r"(?<=[.!?…])\s|(?<=[。！？])")
_marked = re.compile(r"[\\\\`*_\[\]<>#~&|=+-]|^\s*\d+[.)]|^(?: {4}|\t)", re.MULTILINE)
_markdown = MarkdownIt("commonmark", {"html": True}).enable("strikethrough")


class Turn(msgspec.Struct, frozen=True):
    """A message as the tree keeps it.

    `data` is the whole message where it is more than a role and a text, else None.
    """

    role: str
    content: str
    data: dict[str, Any] | None = None

    @property
    def message(self) -> dict[str, Any]:
        """The message in the shape that models are sent: {role, content, …}."""
        return self.data or {"role": self.role, "content": self.content}


def turn_of(message: dict[str, Any]) -> Turn:
    """Return a message of the OpenAI chat shape as a Turn."""
    role, content = message["role"], message.get("content")
    if isinstance(content, str) and list(message) == ["role", "content"]:
        return Turn(role, content)
    refusal = message.get("refusal")
    return Turn(role, text_of(content) or (refusal if isinstance(refusal, str) else ""), message)


def text_of(content: Any) -> str:
    """Return the text of a message's content, which is a text, a list of parts, or null."""
    if isinstance(content, str):
        return content
    parts = cast("list[Any]", content if isinstance(content, list) else [])
    texts = (told.get("text", told.get("refusal")) for told in map(_fields, parts))
    return "\n".join(text for text in texts if isinstance(text, str))


def _fields(part: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def chain_hash(parent: bytes | None, turn: Turn) -> bytes:
    """Return the SHA-256 of a conversation that ends with `turn`, 32 bytes.

    It covers the parent's hash, the role and what counts of the message (sameness.py), as a
    commit's id covers its history, so equal hashes are equal conversations.
    """
    digest = hashlib.sha256(b"root" if parent is None else parent)
    digest.update(turn.role.encode())
    counts = turn.content if turn.data is None else essence(turn.data)
    if isinstance(counts, str):
        digest.update(b"\0text\0" + counts.encode())
    else:
        digest.update(
            b"\0data\0" + json.dumps(counts, sort_keys=True, separators=(",", ":")).encode()
        )
    return digest.digest()


def chain_hashes(parent: bytes | None, turns: list[Turn]) -> list[bytes]:
    """Return the chain hash of each of `turns`, the first of which follows `parent`."""
    hashes: list[bytes] = []
    for turn in turns:
        parent = chain_hash(parent, turn)
        hashes.append(parent)
    return hashes


def run_name(turns: list[Turn], source_name: str | None, at: datetime) -> str:
    """Name a run: by its first user message, else its source and date, else the time."""
    for turn in turns:
        if turn.role == "user" and (name := shorten(first_sentence(plain_text(turn.content)))):
            return name
    if source_name:
        return f"{shorten(source_name)} – {at:%Y-%m-%d}"
    return f"Run – {at:%Y-%m-%d %H:%M}"


def plain_text(markdown: str) -> str:
    """Return the words of a markdown text, without its marks, code fences' contents included."""
    begins = markdown[:2000]
    if not _marked.search(begins):  # most messages have no marks, and to parse one takes long
        return begins.strip()
    words: list[str] = []
    for token in _markdown.parse(begins):
        if token.type in ("fence", "code_block"):
            words.append(token.content)
        for child in token.children or []:
            if child.type in ("text", "code_inline"):
                words.append(child.content)
            elif child.type in ("softbreak", "hardbreak"):
                words.append("\n")
        words.append("\n")
    return "".join(words).strip()


def first_sentence(text: str) -> str:
    """Return the first sentence of a text's first line that has words."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return _sentence.split(line, maxsplit=1)[0].strip()


def shorten(text: str, length: int = NAME_LENGTH) -> str:
    """Cut a text at a word so that it has at most `length` characters, the ellipsis included."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    if text[length - 1] != " " and " " in cut[length // 2 :]:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;:-–") + "…"


def request_bytes(request_data: dict[str, Any], messages: list[dict[str, Any]]) -> bytes:
    """Rebuild a whole request: `request_data` with `messages` at their place.

    The bytes depend on nothing else, so a stored request is rebuilt exactly.
    """
    if "messages" not in request_data:
        return msgspec.json.encode(request_data)
    return msgspec.json.encode({**request_data, "messages": messages})

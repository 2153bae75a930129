"""Conversations of Claude's data export: messages in order, in newer ones each with its parent."""

from typing import Any

from airuns.server.exports.foreign.talks import (
    Asked,
    Fields,
    Named,
    Part,
    Said,
    Talk,
    Unreadable,
    call,
    compact,
    count,
    fields,
    moment,
    objects,
    provider_of,
    text,
)


def talk_of(record: Fields) -> Talk:
    """Return a conversation. Raises Unreadable."""
    key = text(record.get("uuid")) or text(record.get("id"))
    if not key:
        raise Unreadable("It has no uuid.")
    ends: dict[str, str | None] = {}
    said: list[Said] = []
    last: str | None = None
    for number, message in enumerate(objects(record.get("chat_messages"))):
        own = text(message.get("uuid")) or str(number)
        parent = message.get("parent_message_uuid")
        above = ends.get(parent) if isinstance(parent, str) else last
        pieces = _pieces(own, above, message, text(record.get("model")))
        said.extend(pieces)
        ends[own] = last = pieces[-1].key if pieces else above
    leaf = record.get("current_leaf_message_uuid")
    return Talk(
        product="claude",
        key=key,
        title=text(record.get("name")),
        said=said,
        head=ends.get(leaf) if isinstance(leaf, str) else last,
        at=moment(record.get("created_at")),
        updated_at=moment(record.get("updated_at")),
        is_starred=record.get("is_starred") is True,
        metadata={"summary": text(record["summary"])} if text(record.get("summary")) else {},
    )


def _pieces(own: str, above: str | None, message: Fields, model: str) -> list[Said]:
    """Return a message as several: a call of a tool ends one, and its results follow."""
    at = moment(message.get("created_at"))
    if message.get("sender") != "assistant":
        parts = [*_words(message), *_files(message)]
        return [Said(key=own, above=above, role="user", parts=parts, at=at)] if parts else []
    blocks = list(objects(message.get("content")))
    answered = {each.get("tool_use_id") for each in blocks if each.get("type") == "tool_result"}
    making = _Making(own, above, message, model)
    for block in blocks:
        making.take(block, answered)
    if not blocks and text(message.get("text")):
        making.parts.append(text(message["text"]))
    making.parts.extend(_files(message))
    making.end()
    return making.said


class _Making:
    """Makes the messages of one answer."""

    def __init__(self, own: str, above: str | None, message: Fields, model: str) -> None:
        self._own = own
        self._above = above
        self._at = moment(message.get("created_at"))
        self._model = text(message.get("model")) or model
        self._thoughts: list[str] = []
        self._calls: list[Fields] = []
        self.parts: list[Part] = []
        self.said: list[Said] = []

    def take(self, block: Fields, answered: set[Any]) -> None:
        """Take a block of the answer."""
        match block.get("type"):
            case "thinking":
                self._thoughts.append(text(block.get("thinking")))
            case "tool_use" if block.get("id") and block["id"] in answered:
                name = text(block.get("name"))
                self._calls.append(call(text(block["id"]), name, block.get("input")))
            case "tool_use":
                shown = compact(block.get("input"))
                self.parts.append(f"Called {text(block.get('name'))}:\n\n```json\n{shown}\n```")
            case "tool_result":
                self._result(block)
            case _:
                if words := text(block.get("text")):
                    self._end_calls()
                    self.parts.append(words)

    def _end_calls(self) -> None:
        """End the message that calls tools, before something else is said."""
        if self._calls:
            self.end()

    def _result(self, block: Fields) -> None:
        self.end()
        content = block.get("content")
        if isinstance(content, str):
            words = text(content)
        else:
            told = (text(each.get("text")) or compact(each) for each in objects(content))
            words = "\n".join(told)
        call_id = block.get("tool_use_id")
        is_known = any(call_id == each["id"] for said in self.said for each in said.calls)
        self._add(
            Said(
                key=self._key(),
                above=self._end(),
                role="tool" if is_known else "system",
                parts=[words],
                at=self._at,
                call_id=text(call_id) if is_known else None,
                name=text(block.get("name")) or None if is_known else None,
            )
        )

    def end(self) -> None:
        """Add what has been said so far as a message."""
        parts = [part for part in self.parts if part]
        if not parts and not self._calls and not self._thoughts:
            return
        reasoning = "\n\n".join(filter(None, self._thoughts))
        model = self._model or None
        provider = (provider_of(model) if model else None) or "anthropic"
        asked = Asked(provider=provider, model=model, reasoning=reasoning or None)
        self._add(
            Said(
                key=self._key(),
                above=self._end(),
                role="assistant",
                parts=parts,
                at=self._at,
                calls=self._calls,
                asked=asked,
            )
        )
        self.parts, self._calls, self._thoughts = [], [], []

    def _key(self) -> str:
        return f"{self._own}#{len(self.said)}" if self.said else self._own

    def _end(self) -> str | None:
        return self.said[-1].key if self.said else self._above

    def _add(self, said: Said) -> None:
        self.said.append(said)


def _words(message: Fields) -> list[Part]:
    found = [text(each.get("text")) for each in objects(message.get("content"))]
    return [*filter(None, found)] or [*filter(None, [text(message.get("text"))])]


def _files(message: Fields) -> list[Part]:
    """Return attachments, whose texts are in the export, and files, of which it has the names."""
    found: list[Part] = []
    for each in objects(message.get("attachments")):
        words = text(each.get("extracted_content"))
        kind = text(each.get("file_type"))
        named = Named(
            name=text(each.get("file_name")) or "pasted.txt",
            media_type=kind if "/" in kind else "text/plain",
            size=count(each.get("file_size")),
            read=(lambda words=words: words.encode()) if words else None,
        )
        found.append(named)
    named = [*objects(message.get("files")), *_newer_files(message)]
    return [*found, *(Named(name=text(each.get("file_name")) or "file") for each in named)]


def _newer_files(message: Fields) -> list[Fields]:
    """Return the files that only `files_v2` has."""
    old = {fields(each).get("file_uuid") for each in objects(message.get("files"))}
    return [each for each in objects(message.get("files_v2")) if each.get("file_uuid") not in old]

"""A conversation of another product as records, which the import stores as those of an archive.

Ids are made of the source's own names alone, so that the same conversation always has the same.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput
from airuns.server.attachments.rules import file_of
from airuns.server.exports.foreign.talks import (
    Asked,
    Named,
    Part,
    Said,
    Talk,
    Unreadable,
    clean,
    cleaned,
)
from airuns.server.exports.records import (
    AttachmentRecord,
    MessageRecord,
    RunRecord,
    TaskRecord,
)
from airuns.server.runs.rules import Turn, chain_hash, run_name, shorten, turn_of

EMPTY = msgspec.Raw(b"{}")
NULL = msgspec.Raw(b"null")
NAME_LENGTH = 100
PREVIEW_LENGTH = 160
NAMES = {
    "chatgpt": "ChatGPT",
    "claude": "Claude",
    "llm": "llm",
    "sharegpt": "ShareGPT",
    "fine-tuning": "Fine-tuning example",
}

Read = Callable[[], bytes | None]


class Shaped(msgspec.Struct, frozen=True):
    """A run and all that it holds, in the order of an archive. `size` is about its bytes.

    Files come without their content, which is read as each is stored: many are large.
    """

    run: RunRecord
    files: list[tuple[AttachmentRecord, Read]]
    tasks: list[TaskRecord]
    messages: list[MessageRecord]
    size: int


def stable_id(order: int, *of: str) -> UUID:
    """Return the id of what `of` names, a UUID of version 8: sorted by `order`, then a hash."""
    digest = hashlib.sha256("\0".join(of).encode("utf-8", "replace")).digest()
    number = (order & (2**48 - 1)) << 80 | int.from_bytes(digest[:10])
    number = number & ~(0xF << 76) | 8 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def shaped(talk: Talk, now: datetime, most_attachment: int) -> Shaped | None:
    """Return the records of a conversation, or None when nothing was said in it.

    What has no time has that of its parent, of the conversation, or `now`. Raises Unreadable.
    """
    return _Shaping(talk, now, most_attachment).shaped() if talk.said else None


class _Shaping:
    """Makes the records of one conversation."""

    def __init__(self, talk: Talk, now: datetime, most: int) -> None:
        self._talk = talk
        self._most = most
        self._start = talk.at or talk.updated_at or now
        self._run_id = stable_id(0, "run", talk.product, talk.key)
        self._files: dict[UUID, tuple[AttachmentRecord, Read]] = {}
        self._tasks: list[TaskRecord] = []
        self._messages: list[MessageRecord] = []
        self._by_key: dict[str, MessageRecord] = {}
        self._size = 0

    def shaped(self) -> Shaped:
        for number, said in enumerate(_in_order(self._talk.said)):
            self._add(said, number)
        return Shaped(
            self._run(), list(self._files.values()), self._tasks, self._messages, self._size
        )

    def _id(self, kind: str, order: int, key: str) -> UUID:
        return stable_id(order, kind, self._talk.product, self._talk.key, key)

    def _add(self, said: Said, number: int) -> None:
        parent = self._by_key.get(said.above) if said.above is not None else None
        at = said.at or (parent.created_at if parent else self._start)
        is_timed = said.at or self._talk.at or self._talk.updated_at
        order = int(at.timestamp()) * 1000 if is_timed else number
        turn = turn_of(self._message(said, at))
        asked = said.asked if said.asked and said.asked.says_something else None
        task_id = self._id("task", order, said.key) if asked else None
        message = MessageRecord(
            id=self._id("message", order, said.key),
            run_id=self._run_id,
            parent_id=parent.id if parent else None,
            depth=parent.depth + 1 if parent else 0,
            role=said.role,
            content=turn.content,
            data=NULL if turn.data is None else _json(turn.data),
            chain_hash=chain_hash(bytes.fromhex(parent.chain_hash) if parent else None, turn).hex(),
            task_id=task_id,
            metadata=_json({"source_id": clean(said.key, 200), **cleaned(said.metadata)}),
            created_at=at,
        )
        if asked and task_id:
            self._tasks.append(self._task(task_id, asked, message, turn, parent))
        self._messages.append(message)
        self._by_key[said.key] = message
        self._size += 500 + len(turn.content) * 2 + (len(bytes(message.data)) if turn.data else 0)

    def _message(self, said: Said, at: datetime) -> dict[str, Any]:
        """Return a message in the OpenAI chat shape."""
        message: dict[str, Any] = {"role": said.role, "content": self._content(said.parts, at)}
        if said.calls:
            message["content"] = message["content"] or None
            message["tool_calls"] = cleaned(said.calls)
        if said.call_id is not None:
            message["tool_call_id"] = clean(said.call_id, 200)
        if said.name:
            message["name"] = clean(said.name, 200)
        return message

    def _content(self, parts: list[Part], at: datetime) -> str | list[dict[str, Any]]:
        if all(isinstance(part, str) for part in parts):
            return "\n".join(clean(part) for part in parts if isinstance(part, str))
        shown: list[dict[str, Any]] = []
        for part in parts:
            if isinstance(part, Named):
                shown.append(self._file(part, at))
            elif isinstance(part, dict):
                shown.append(cleaned(part))
            elif part:
                shown.append({"type": "text", "text": clean(part)})
        return shown

    def _file(self, named: Named, at: datetime) -> dict[str, Any]:
        """Return the part that names a file; without attachment_id when its bytes are not here."""
        name = clean(" ".join(named.name.split()), 300) or "file"
        try:
            content = named.read() if named.read else None
            file = file_of(name, named.media_type, content) if content else None
        except InvalidInput:  # neither a picture nor a text: only its name can be kept
            content, file = None, None
        if named.read is None or file is None or content is None or len(content) > self._most:
            size = named.size if content is None else len(content)
            known = {"media_type": clean(named.media_type, 200), "size": size}
            return {"type": "attachment", "name": name} | {k: v for k, v in known.items() if v}
        sha256 = file.sha256.hex()
        file_id = self._id("file", 0, f"{sha256}\0{file.name}")
        record = AttachmentRecord(
            id=file_id,
            run_id=self._run_id,
            name=file.name,
            media_type=file.media_type,
            size=len(content),
            sha256=sha256,
            created_at=at,
            content=b"",
        )
        self._files[file_id] = (record, named.read)
        return {
            "type": "attachment",
            "attachment_id": str(file_id),
            "name": file.name,
            "media_type": file.media_type,
            "size": len(content),
            "sha256": sha256,
        }

    def _task(
        self,
        task_id: UUID,
        asked: Asked,
        message: MessageRecord,
        turn: Turn,
        parent: MessageRecord | None,
    ) -> TaskRecord:
        tokens = (asked.tokens_input, asked.tokens_output)
        began = min(parent.created_at, message.created_at) if parent else message.created_at
        model = clean(asked.model, 300) if asked.model else None
        request = {**cleaned(asked.settings), **({"model": model} if model else {})}
        data = {"reasoning": clean(asked.reasoning)} if asked.reasoning else None
        errors = {"message": clean(asked.error)} if asked.error else None
        return TaskRecord(
            task_id=task_id,
            run_id=self._run_id,
            key_id=None,
            request_message_id=parent.id if parent else None,
            service="import",
            task_name=self._talk.product,
            provider=asked.provider and clean(asked.provider, 100),
            endpoint=None,
            model=model,
            model_id=None,
            request_data=_json({**request, "messages": None}),
            request_hash=None,
            response_text=turn.content,
            response_data=_json(data),
            response_info=_json(
                {"finish_reason": asked.finish_reason} if asked.finish_reason else None
            ),
            response_errors=_json(errors),
            tool_updates=NULL,
            response_metadata=_json(cleaned(asked.more) or None),
            tokens_input=tokens[0],
            tokens_output=tokens[1],
            tokens_total=None if None in tokens else sum(each or 0 for each in tokens),
            tokens_cache_read=None,
            tokens_cache_write_5m=None,
            tokens_cache_write_1h=None,
            tokens_reasoning=None,
            usage_estimated=False,
            cost=None,
            price=NULL,
            time_to_first_token=None,
            total_time=asked.total_time,
            status=asked.status,
            process_id=None,
            cancel_requested_at=None,
            created_at=began,
            updated_at=message.created_at,
            completed_at=message.created_at,
        )

    def _run(self) -> RunRecord:
        talk = self._talk
        head = self._by_key.get(talk.head) if talk.head is not None else None
        last_at = max(message.created_at for message in self._messages)
        head = head or next(each for each in reversed(self._messages) if each.created_at == last_at)
        updated_at = max(talk.updated_at or last_at, last_at)
        last_task = max(self._tasks, key=lambda task: task.created_at, default=None)
        return RunRecord(
            id=self._run_id,
            source_type="custom" if talk.is_data else "chat",
            source_id=f"{talk.product}:{clean(talk.key)}"[:200],
            prompt_version=None,
            name=self._name(),
            description="",
            tags=[talk.product],
            settings=_json(cleaned(talk.settings)),
            variable_values=EMPTY,
            broker_values=EMPTY,
            attachments=msgspec.Raw(b"[]"),
            metadata=_json(cleaned(talk.metadata)),
            status="active",
            is_starred=talk.is_starred,
            head_message_id=head.id,
            preview=preview_of(head.content),
            last_task_id=last_task.task_id if last_task else None,
            created_at=min(self._start, self._messages[0].created_at),
            updated_at=updated_at,
            last_message_at=last_at,
            archived_at=updated_at if talk.is_archived else None,
            deleted_at=None,
        )

    def _name(self) -> str:
        if title := shorten(clean(self._talk.title), NAME_LENGTH):
            return title
        turns = [Turn(each.role, each.content) for each in self._messages]
        return run_name(turns, NAMES.get(self._talk.product), self._start.astimezone(UTC))


def preview_of(content: str) -> str:
    """Return how a message begins, as the database's own preview of it is."""
    return " ".join(content[:2000].split())[:PREVIEW_LENGTH].rstrip()


def _json(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _in_order(said: list[Said]) -> Iterator[Said]:
    """Yield messages with parents before children; one whose parent is not there is a root.

    Raises Unreadable when messages are each other's parents.
    """
    keys = {each.key for each in said}
    if len(keys) != len(said):
        raise Unreadable("Two of its messages have the same id.")
    below: dict[str | None, list[Said]] = {}
    for each in said:
        above = each.above if each.above in keys else None
        below.setdefault(above, []).append(each)
    waiting = list(reversed(below.pop(None, [])))
    done = 0
    while waiting:
        each = waiting.pop()
        done += 1
        yield each
        waiting.extend(reversed(below.pop(each.key, [])))
    if done != len(said):
        raise Unreadable("Its messages are each other's parents.")

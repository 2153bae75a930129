"""Whether a record of an archive is what it says: its JSON, its texts, its hashes."""

from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput
from airuns.server.attachments.rules import file_of
from airuns.server.exports import records
from airuns.server.exports.records import AnyRecord, AttachmentRecord, MessageRecord, RunRecord
from airuns.server.ids import parse_id
from airuns.server.prompts.rules import Variable
from airuns.server.runs.records import Node
from airuns.server.runs.rules import Turn, chain_hash, turn_of
from airuns.server.text import check_text

ROLES = ("system", "developer", "user", "assistant", "tool")


def checked(record: AnyRecord) -> AnyRecord:
    """Return a record whose JSON columns have their shapes and whose texts can be stored.

    Raises InvalidInput or msgspec.ValidationError.
    """
    for name in records.json_fields(record):
        value = records.value(record, name)
        check_text(value, name)
        if name == "messages":
            _check_messages(value)
        elif name == "variables":
            msgspec.convert(value, list[Variable])
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, str | list):
            check_text(value, name)
    if isinstance(record, RunRecord) and record.source_type == "prompt":
        parse_id(record.source_id or "", "source_id")
    return record


def _check_messages(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        if message.get("role") not in ROLES or not isinstance(message.get("content"), str | list):
            raise InvalidInput("messages: each has a role and a content.", field="messages")


def check_file(record: AttachmentRecord, most: int) -> None:
    """Raise InvalidInput when an attachment is not what it says, or larger than `most` bytes."""
    file = file_of(record.name, record.media_type, record.content)
    said = (record.name, record.media_type, record.size, record.sha256)
    if said != (file.name, file.media_type, len(file.content), file.sha256.hex()):
        raise InvalidInput(f"The file {record.name} is not what its record says.")
    if record.size > most:
        raise InvalidInput(
            f"The file {record.name} has more than {most} bytes, which is what "
            "AIRUNS_MAX_ATTACHMENT allows."
        )


def node_of(record: MessageRecord, parents: dict[UUID, Node]) -> Node:
    """Return a message's place in the tree.

    Raises InvalidInput when its parent is not there, or its depth, text or hash is another.
    """
    parent = parents.get(record.parent_id) if record.parent_id else None
    where = f"Message {record.id}"
    if record.parent_id and parent is None:
        raise InvalidInput(f"{where} comes before its parent, or that is in another run.")
    if record.depth != (parent.depth + 1 if parent else 0):
        raise InvalidInput(f"{where} does not have the depth {record.depth}.")
    data = cast("dict[str, Any] | None", records.value(record, "data"))
    turn = Turn(record.role, record.content, data)
    if data is not None:
        told = turn_of({"content": None, **data, "role": data.get("role")})
        if (told.role, told.content) != (turn.role, turn.content):
            raise InvalidInput(f"{where} says something else in data than in role and content.")
    found = chain_hash(parent.chain_hash if parent else None, turn)
    if found.hex() != record.chain_hash:
        raise InvalidInput(f"{where} has been changed: its hash is not that of what it says.")
    return Node(record.id, record.depth, found)

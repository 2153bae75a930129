"""Attachments: files that messages name by their ids.

An attachment belongs to one run: to the first whose message names it. A message of another run
that names it gets a copy, so that each run can be shared, restored and removed by itself. Every
function works inside the caller's transaction.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.errors import Conflict, NotFound
from airuns.server.attachments.rules import File, Kind, kind_of, only_named, shown
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id, parse_id

SQL = queries.load(__package__ or "")
PART = "attachment"

Message = dict[str, Any]


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file without its content. `run_id` is null until a message names it."""

    id: UUID
    run_id: UUID | None
    name: str
    media_type: str
    size: int
    sha256: str

    @property
    def kind(self) -> Kind:
        """Whether it is a picture or a text."""
        return kind_of(self.media_type)

    def part(self, attachment_id: UUID) -> Message:
        """Return the part of a message that names it, by the id that it has in the run."""
        return {
            "type": PART,
            "attachment_id": str(attachment_id),
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
        }


class Named(msgspec.Struct, frozen=True):
    """Messages whose parts say what they name, and what their run has to claim or to copy."""

    messages: list[Message]
    unsent: list[UUID] = []
    copies: dict[UUID, UUID] = {}


class _Stored(File, frozen=True, kw_only=True):
    id: UUID


async def add(tx: Transaction, user_id: UUID, file: File) -> Attachment:
    """Keep a file until a message names it, a week at most; forget older ones."""
    attachment_id = new_id()
    await tx.execute(SQL["attachments_forget"], user_id=user_id)
    await tx.execute(
        SQL["attachment_insert"],
        user_id=user_id,
        id=attachment_id,
        name=file.name,
        media_type=file.media_type,
        size=len(file.content),
        sha256=file.sha256,
        content=file.content,
    )
    return await get(tx, user_id, attachment_id)


async def get(tx: Transaction, user_id: UUID, attachment_id: UUID) -> Attachment:
    """Return an attachment. Raises NotFound."""
    found = await tx.one(Attachment, SQL["attachment_get"], user_id=user_id, id=attachment_id)
    if found is None:
        raise NotFound(f"There is no attachment {attachment_id}.", field="attachment_id")
    return found


async def content(tx: Transaction, user_id: UUID, attachment_id: UUID) -> bytes:
    """Return what is in an attachment. Raises NotFound."""
    await get(tx, user_id, attachment_id)
    return (await _files(tx, user_id, [attachment_id]))[attachment_id].content


async def delete(tx: Transaction, user_id: UUID, attachment_id: UUID) -> None:
    """Remove an attachment that was not sent. Raises NotFound, or Conflict when it was."""
    if not await tx.execute(SQL["attachment_delete"], user_id=user_id, id=attachment_id):
        await get(tx, user_id, attachment_id)
        raise Conflict("The attachment was sent with a message; it goes with its run.")


async def named(
    tx: Transaction,
    user_id: UUID,
    messages: list[Message],
    run_id: UUID | None,
    at: Callable[[int], str] = "messages[{}].".format,
) -> Named:
    """Return messages of a run (None: a new one) whose parts say which files they name.

    `claim` follows once the run exists. Raises NotFound, or InvalidInput for what is no id, naming
    the field; `at` says where a message is.
    """
    ids: dict[str, UUID] = {}
    for number, message in enumerate(messages):
        for position, part in _parts(message):
            field = f"{at(number)}content[{position}].attachment_id"
            ids[field] = _named_by(part, field)
    if not ids:
        return Named(messages)
    rows = await tx.all(
        Attachment, SQL["attachments_named"], user_id=user_id, ids=list(ids.values())
    )
    stored = {each.id: each for each in rows}
    for field, attachment_id in ids.items():
        if attachment_id not in stored:
            raise NotFound(f"There is no attachment {attachment_id}.", field=field)
    copies = {each.id: new_id() for each in rows if each.run_id not in (None, run_id)}
    parts = {each.id: each.part(copies.get(each.id, each.id)) for each in rows}
    return Named(
        [_replaced(message, lambda part: parts[_named_by(part)]) for message in messages],
        [each.id for each in rows if each.run_id is None],
        copies,
    )


async def claim(tx: Transaction, user_id: UUID, run_id: UUID, of: Named) -> None:
    """Give a run the attachments that its new messages name."""
    if of.unsent:
        await tx.execute(SQL["attachments_claim"], user_id=user_id, run_id=run_id, ids=of.unsent)
    if of.copies:
        await tx.execute(
            SQL["attachments_copy"],
            user_id=user_id,
            run_id=run_id,
            ids=list(of.copies),
            new_ids=list(of.copies.values()),
        )


async def expanded(tx: Transaction, user_id: UUID, messages: list[Message]) -> list[Message]:
    """Return messages as a model is sent them: with what is in the files that they name.

    A file of which an import had only the name is told by its name, and so is a picture that not
    the user sent: models take none from others. Raises NotFound when there is no such file.
    """
    parts = [part for message in messages for _, part in _parts(message)]
    if not parts:
        return messages
    ids = [_named_by(part) for part in parts if "attachment_id" in part]
    files = await _files(tx, user_id, ids)
    for attachment_id in ids:
        if attachment_id not in files:
            raise NotFound(f"There is no attachment {attachment_id}.", field="attachment_id")

    def told(message: Message) -> Message:
        def by(part: Message) -> Message:
            if "attachment_id" not in part:
                return only_named(str(part.get("name")))
            file = files[_named_by(part)]
            is_taken = message["role"] == "user" or kind_of(file.media_type) == "text"
            return shown(file) if is_taken else only_named(file.name)

        return _replaced(message, by)

    return [told(message) for message in messages]


async def _files(tx: Transaction, user_id: UUID, ids: list[UUID]) -> dict[UUID, _Stored]:
    rows = await tx.all(_Stored, SQL["attachment_files"], user_id=user_id, ids=ids)
    return {each.id: each for each in rows}


def _parts(message: Message) -> Iterator[tuple[int, Message]]:
    """Yield the parts of a message that name an attachment, and where in it they are."""
    content = message.get("content")
    if isinstance(content, list):
        for position, part in enumerate(cast("list[Any]", content)):
            if isinstance(part, dict) and cast("Message", part).get("type") == PART:
                yield position, cast("Message", part)


def _named_by(part: Message, field: str = "attachment_id") -> UUID:
    return parse_id(str(part.get("attachment_id")), field)


def _replaced(message: Message, by: Callable[[Message], Message]) -> Message:
    """Return a message with other parts in the place of those that name an attachment."""
    found = dict(_parts(message))
    if not found:
        return message
    content = [
        by(part) if position in found else part for position, part in enumerate(message["content"])
    ]
    return {**message, "content": content}

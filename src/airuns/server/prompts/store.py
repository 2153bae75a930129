"""Prompts: templates with variables, in versions that never change.

Every function works inside the caller's transaction.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import Conflict, NotFound
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id
from airuns.server.prompts.rules import Message, Variable, declared, described

SQL = queries.load(__package__ or "")
NAME_LENGTH = 200


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a version: a change of it makes a new one."""

    messages: list[Message]
    variables: list[Variable]
    settings: dict[str, Any]


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as of one version."""

    id: UUID
    name: str
    description: str
    tags: list[str]
    version: int
    messages: list[Message]
    variables: list[Variable]
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def content(self) -> Content:
        """What makes this version."""
        return Content(messages=self.messages, variables=self.variables, settings=self.settings)


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt is called: a change of it makes no version."""

    name: str
    description: str = ""
    tags: list[str] = []


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What of a prompt changes; None leaves it as it is.

    `version` and `if_match` are the version that the caller has changed, if it said so.
    """

    name: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    messages: list[Message] | None = None
    variables: list[Variable] | None = None
    settings: dict[str, Any] | None = None
    version: int | None = None
    if_match: int | None = None


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """How much goes with a prompt."""

    runs: int
    messages: int
    tasks: int


class _Locked(msgspec.Struct, frozen=True):
    version: int
    deleted_at: datetime | None


async def read(
    tx: Transaction, user_id: UUID, prompt_id: UUID, version: int | None = None
) -> Prompt | None:
    """Return a prompt as of a version (None: its newest), or None when there is no such thing."""
    rows = await tx.rows(SQL["prompt_read"], user_id=user_id, prompt_id=prompt_id, version=version)
    return msgspec.convert(rows[0], Prompt) if rows else None


async def hold(
    tx: Transaction, user_id: UUID, prompt_id: UUID, version: int | None = None
) -> Prompt | None:
    """Read a prompt that stays undeleted until the transaction ends: a run begins with it."""
    held = await tx.value(SQL["prompt_hold"], user_id=user_id, prompt_id=prompt_id)
    return await read(tx, user_id, prompt_id, version) if held else None


async def get(
    tx: Transaction, user_id: UUID, prompt_id: UUID, version: int | None = None
) -> Prompt:
    """Return a prompt as of a version (None: its newest).

    Raises NotFound when the user has no such prompt, or the prompt no such version.
    """
    prompt = await read(tx, user_id, prompt_id, version)
    if prompt is not None:
        return prompt
    if version is not None and await read(tx, user_id, prompt_id):
        raise NotFound(f"Prompt {prompt_id} has no version {version}.", field="version")
    raise _unknown(prompt_id)


async def create(tx: Transaction, user_id: UUID, label: Label, content: Content) -> Prompt:
    """Add a prompt with its first version.

    Raises InvalidInput when it describes a variable that is not in its texts.
    """
    prompt_id = new_id()
    await tx.execute(
        SQL["prompt_insert"],
        user_id=user_id,
        prompt_id=prompt_id,
        name=label.name,
        description=label.description,
        tags=label.tags,
    )
    variables = described(content.messages, content.variables)
    await _add_version(
        tx, user_id, prompt_id, 1, msgspec.structs.replace(content, variables=variables)
    )
    return await get(tx, user_id, prompt_id)


async def duplicate(
    tx: Transaction, user_id: UUID, prompt_id: UUID, name: str | None = None
) -> Prompt:
    """Add a copy of a prompt's newest version, as version 1. Raises NotFound."""
    old = await get(tx, user_id, prompt_id)
    label = Label(
        name=name or f"{old.name[: NAME_LENGTH - 7]} (copy)",
        description=old.description,
        tags=old.tags,
    )
    return await create(tx, user_id, label, old.content)


async def _add_version(
    tx: Transaction, user_id: UUID, prompt_id: UUID, version: int, content: Content
) -> None:
    await tx.execute(
        SQL["version_insert"],
        user_id=user_id,
        id=new_id(),
        prompt_id=prompt_id,
        version=version,
        messages=_json(content.messages),
        variables=_json(content.variables),
        settings=_json(content.settings),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def change(tx: Transaction, user_id: UUID, prompt_id: UUID, new: Change) -> Prompt:
    """Change a prompt; a change of messages, variables or settings makes a new version.

    New messages keep the descriptions of those variables that are still in their texts.
    Raises NotFound, Conflict when the newest version is not the one that the caller has changed,
    and InvalidInput when it describes a variable that is not in the texts.
    """
    await _lock(tx, user_id, prompt_id)
    old = await get(tx, user_id, prompt_id)
    _check_changed({new.version, new.if_match}, old.version)
    content = _changed(old, new)
    version = old.version
    if content != old.content:
        version += 1
        await _add_version(tx, user_id, prompt_id, version, content)
    await tx.execute(
        SQL["prompt_update"],
        user_id=user_id,
        prompt_id=prompt_id,
        name=old.name if new.name is None else new.name,
        description=old.description if new.description is None else new.description,
        tags=old.tags if new.tags is None else new.tags,
        version=version,
    )
    return await get(tx, user_id, prompt_id)


def _check_changed(said: set[int | None], newest: int) -> None:
    for version in said - {None, newest}:
        raise Conflict(
            f"The prompt is at version {newest} and you have changed version {version}: "
            "read it again, and change that one.",
            field="version",
        )


def _changed(old: Prompt, new: Change) -> Content:
    messages = old.messages if new.messages is None else new.messages
    return Content(
        messages=messages,
        variables=declared(messages, old.variables)
        if new.variables is None
        else described(messages, new.variables),
        settings=old.settings if new.settings is None else new.settings,
    )


async def running(tx: Transaction, user_id: UUID, prompt_id: UUID) -> list[UUID]:
    """Return the tasks that still run in runs of a prompt."""
    rows = await tx.rows(SQL["prompt_running"], user_id=user_id, prompt_id=prompt_id)
    return [row["task_id"] for row in rows]


async def deletion(tx: Transaction, user_id: UUID, prompt_id: UUID) -> Deletion:
    """Return what deleting a prompt would take with it. Raises NotFound."""
    await get(tx, user_id, prompt_id)
    return await _count(tx, user_id, prompt_id, deleted=False)


async def _count(tx: Transaction, user_id: UUID, prompt_id: UUID, *, deleted: bool) -> Deletion:
    [row] = await tx.all(
        Deletion, SQL["deletion"], user_id=user_id, prompt_id=prompt_id, deleted=deleted
    )
    return row


async def delete(tx: Transaction, user_id: UUID, prompt_id: UUID) -> Deletion:
    """Delete a prompt and its runs so that they can be restored; return what went.

    Raises NotFound.
    """
    if not await tx.value(SQL["prompt_lock_deletion"], user_id=user_id, prompt_id=prompt_id):
        raise _unknown(prompt_id)
    await tx.execute(SQL["prompt_delete"], user_id=user_id, prompt_id=prompt_id)
    went = await _count(tx, user_id, prompt_id, deleted=False)
    await tx.execute(SQL["runs_delete"], user_id=user_id, prompt_id=prompt_id)
    return went


async def restore(tx: Transaction, user_id: UUID, prompt_id: UUID) -> Prompt:
    """Bring back a deleted prompt and the runs that went with it. Raises NotFound."""
    locked = await _lock(tx, user_id, prompt_id)
    if locked.deleted_at is not None:
        await tx.execute(SQL["prompt_restore"], user_id=user_id, prompt_id=prompt_id)
        await tx.execute(
            SQL["runs_restore"],
            user_id=user_id,
            prompt_id=prompt_id,
            deleted_at=locked.deleted_at,
        )
    return await get(tx, user_id, prompt_id)


async def purge(tx: Transaction, user_id: UUID, prompt_id: UUID) -> Deletion:
    """Remove a deleted prompt for good, with all its runs; return what went.

    Raises NotFound, or Conflict when the prompt is not deleted.
    """
    locked = await _lock(tx, user_id, prompt_id)
    if locked.deleted_at is None:
        raise Conflict("Only a deleted prompt can be purged: delete it first, without purge.")
    went = await _count(tx, user_id, prompt_id, deleted=True)
    await tx.execute(SQL["prompt_lock_runs"], user_id=user_id, prompt_id=prompt_id)
    await tx.execute(SQL["prompt_purge_runs"], user_id=user_id, prompt_id=prompt_id)
    await tx.execute(SQL["prompt_purge"], user_id=user_id, prompt_id=prompt_id)
    return went


async def _lock(tx: Transaction, user_id: UUID, prompt_id: UUID) -> _Locked:
    locked = await tx.one(_Locked, SQL["prompt_lock"], user_id=user_id, prompt_id=prompt_id)
    if locked is None:
        raise _unknown(prompt_id)
    return locked


def _unknown(prompt_id: UUID) -> NotFound:
    return NotFound(f"There is no prompt {prompt_id}.", field="prompt_id")

"""Runs: create, read, change, delete, and put away."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import Conflict, InvalidInput, NotFound
from airuns.server.attachments import store as attachments
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id, parse_id
from airuns.server.prompts import store as prompts
from airuns.server.runs import tree
from airuns.server.runs.records import Run
from airuns.server.runs.rules import run_name, turn_of
from airuns.server.runs.tree import to_json

SQL = queries.load(__package__ or "", "store.sql")


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run starts with; see Run for the fields."""

    source_type: str
    source_id: str | None
    name: str | None
    prompt_version: int | None = None
    description: str = ""
    tags: list[str] = []
    settings: dict[str, Any] = {}
    variable_values: dict[str, Any] = {}
    broker_values: dict[str, Any] = {}
    attachments: list[dict[str, Any]] = []
    metadata: dict[str, Any] = {}


class RunChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a run changes; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    settings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    status: str | None = None
    is_starred: bool | None = None
    archived: bool | None = None


async def create(tx: Transaction, user_id: UUID, new: NewRun, run_id: UUID | None = None) -> UUID:
    """Add a run without messages; return its id."""
    run_id = run_id or new_id()
    await tx.execute(
        SQL["run_insert"],
        user_id=user_id,
        run_id=run_id,
        source_type=new.source_type,
        source_id=new.source_id,
        prompt_version=new.prompt_version,
        name=new.name,
        description=new.description,
        tags=new.tags,
        settings=to_json(new.settings),
        variable_values=to_json(new.variable_values),
        broker_values=to_json(new.broker_values),
        attachments=to_json(new.attachments),
        metadata=to_json(new.metadata),
    )
    return run_id


async def begin(tx: Transaction, user_id: UUID, run_id: UUID, new: NewRun) -> None:
    """Add a run that its caller fills, unless it exists; without a name it gets one.

    Raises InvalidInput, or NotFound when its source is a prompt that does not exist.
    """
    if await tx.one(Run, SQL["run_get"], user_id=user_id, run_id=run_id, deleted=True):
        return
    prompt = None
    if new.source_type == "prompt":
        prompt_id = parse_id(new.source_id or "", "source_id")
        prompt = await prompts.hold(tx, user_id, prompt_id)
        if prompt is None:
            raise NotFound(f"There is no prompt {prompt_id}.", field="source_id")
    named = msgspec.structs.replace(
        new,
        name=new.name or run_name([], prompt.name if prompt else None, datetime.now(UTC)),
        prompt_version=prompt.version if prompt else None,
    )
    await create(tx, user_id, named, run_id)


async def get(tx: Transaction, user_id: UUID, run_id: UUID, *, deleted: bool = False) -> Run:
    """Return a run; a deleted one only when asked for. Raises NotFound."""
    run = await tx.one(Run, SQL["run_get"], user_id=user_id, run_id=run_id, deleted=deleted)
    if run is None:
        raise NotFound(f"There is no run {run_id}.", field="run_id")
    return run


async def change(tx: Transaction, user_id: UUID, run_id: UUID, new: RunChange) -> None:
    """Change a run. Raises NotFound."""
    values = msgspec.structs.asdict(new)
    for name in ("settings", "metadata"):
        if values[name] is not None:
            values[name] = to_json(values[name])
    changed = await tx.execute(SQL["run_update"], user_id=user_id, run_id=run_id, **values)
    if not changed:
        raise NotFound(f"There is no run {run_id}.", field="run_id")


async def set_settings(
    tx: Transaction, user_id: UUID, run_id: UUID, settings: dict[str, Any]
) -> None:
    """Keep the model and its settings, as last used, with the run."""
    await tx.execute(
        SQL["run_set_settings"], user_id=user_id, run_id=run_id, settings=to_json(settings)
    )


async def delete(tx: Transaction, user_id: UUID, run_id: UUID) -> None:
    """Delete a run so that it can be restored. Raises NotFound."""
    if not await tx.execute(SQL["run_delete"], user_id=user_id, run_id=run_id):
        raise NotFound(f"There is no run {run_id}.", field="run_id")


async def restore(tx: Transaction, user_id: UUID, run_id: UUID) -> None:
    """Bring a deleted run back.

    Raises NotFound when there is no such run, Conflict when its prompt is deleted too.
    """
    run = await get(tx, user_id, run_id, deleted=True)
    if run.deleted_at is None:
        return
    if not await tx.execute(SQL["run_restore"], user_id=user_id, run_id=run_id):
        raise Conflict(
            "The run's prompt is deleted: restore it with "
            f"POST /api/prompts/{run.prompt_id}/restore."
        )


async def purge(tx: Transaction, user_id: UUID, run_id: UUID) -> None:
    """Remove a deleted run for good, with its messages and tasks.

    Raises NotFound when there is no such run, Conflict when it is not deleted yet.
    """
    run = await get(tx, user_id, run_id, deleted=True)
    if run.deleted_at is None:
        raise Conflict("Only a deleted run can be purged: delete it first.")
    await purge_many(tx, user_id, [run_id])


async def purge_many(tx: Transaction, user_id: UUID, run_ids: list[UUID]) -> int:
    """Remove those of some runs that are deleted for good; return how many there were."""
    await tx.execute(SQL["runs_lock_deleted"], user_id=user_id, run_ids=run_ids)
    return await tx.execute(SQL["runs_purge"], user_id=user_id, run_ids=run_ids)


async def fork(
    tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID | None, name: str | None
) -> UUID:
    """Start a new run with the line that ends at a message (None: the current line) of another.

    Raises NotFound, or InvalidInput when the run has no message yet.
    """
    origin = await get(tx, user_id, run_id)
    if origin.prompt_id and not await prompts.hold(tx, user_id, origin.prompt_id):
        raise NotFound(f"There is no run {run_id}.", field="run_id")
    end = message_id or origin.head_message_id
    if end is None:
        raise InvalidInput("The run has no message yet, so there is nothing to fork.")
    await tree.get(tx, user_id, run_id, end)
    line = await tree.turns(tx, user_id, run_id, end)
    named = await attachments.named(tx, user_id, [turn.message for turn in line], None)
    fork_id = await create(
        tx,
        user_id,
        NewRun(
            source_type=origin.source_type,
            source_id=origin.source_id,
            prompt_version=origin.prompt_version,
            name=name or origin.name,
            description=origin.description,
            tags=origin.tags,
            settings=origin.settings,
            variable_values=origin.variable_values,
            broker_values=origin.broker_values,
            attachments=origin.attachments,
            metadata={**origin.metadata, "forked_from": {"run_id": run_id, "message_id": end}},
        ),
    )
    await attachments.claim(tx, user_id, fork_id, named)
    turns = [turn_of(message) for message in named.messages]
    nodes = await tree.append(tx, user_id, fork_id, None, turns)
    await tree.set_head(tx, user_id, fork_id, nodes[-1].id)
    return fork_id

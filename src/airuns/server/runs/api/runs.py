"""/api/runs: conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromQuery, QueryParameter

from airuns.server.db.door import As, Database, retried
from airuns.server.given import GivenDatabase, GivenNews, GivenUser, PathId
from airuns.server.ids import new_id
from airuns.server.runs import store, tasks, tree
from airuns.server.runs.api.execute import GivenEngine
from airuns.server.runs.records import LineMessage, Run
from airuns.server.text import check_text
from airuns.wire import Name, SourceType, Tags

WINDOW = 200


class CreateRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin a run whose messages and tasks the caller adds.

    Of source_type prompt, `source_id` is the prompt's id. `id` may be your own UUID: sending the
    same one again is safe.
    """

    id: UUID | None = None
    source_type: SourceType = "custom"
    source_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    name: Name | None = None
    description: Annotated[str, msgspec.Meta(max_length=10000)] = ""
    tags: Tags = []
    settings: dict[str, Any] = {}
    variable_values: dict[str, Any] = {}
    broker_values: dict[str, Any] = {}
    attachments: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=100)] = []
    metadata: dict[str, Any] = {}


class ChangeRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a run changes; what is left out stays.

    `head_message_id` turns to the newest line through that message.
    """

    name: Name | None = None
    description: Annotated[str, msgspec.Meta(max_length=10000)] | None = None
    tags: Tags | None = None
    settings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    status: Literal["active", "completed", "error"] | None = None
    is_starred: bool | None = None
    archived: bool | None = None
    head_message_id: UUID | None = None


class ForkRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fork ends (left out: the current end) and what it is called."""

    message_id: UUID | None = None
    name: Name | None = None


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the current line.

    `versions` are the ids of its siblings, itself included, oldest first.
    """

    id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: Any
    task_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime
    versions: list[UUID]
    name: str | None = None
    tool_calls: Any = None
    tool_call_id: str | None = None


class RunView(Run, frozen=True, kw_only=True):
    """A run with the last messages of its current line.

    `earlier_messages` says how many come before them (GET /api/runs/{id}/messages?before=…);
    `running_tasks` are those that can be joined (GET /api/tasks/{id}/events).
    """

    messages: list[MessageView]
    earlier_messages: int
    running_tasks: list[UUID]


def message_view(message: LineMessage) -> MessageView:
    """Return a message as the API shows it."""
    data = message.data or {}
    return MessageView(
        id=message.id,
        parent_id=message.parent_id,
        depth=message.depth,
        role=message.role,
        content=data.get("content", message.content) if data else message.content,
        task_id=message.task_id,
        metadata=message.metadata,
        created_at=message.created_at,
        versions=message.siblings,
        name=data.get("name"),
        tool_calls=data.get("tool_calls"),
        tool_call_id=data.get("tool_call_id"),
    )


def run_view(run: Run, line: list[LineMessage], running: list[UUID]) -> RunView:
    """Return a run as the API shows it."""
    return RunView(
        **msgspec.structs.asdict(run),
        messages=[message_view(message) for message in line],
        earlier_messages=line[0].depth if line else 0,
        running_tasks=running,
    )


async def read(db: Database, who: As, run_id: UUID, window: int = WINDOW) -> RunView:
    """Return a run with the last `window` messages of its line. Raises NotFound."""
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id)
        running = await tasks.running_in(tx, who.user_id, run_id)
        if run.head_message_id is None:
            return run_view(run, [], running)
        line = await tree.window(tx, who.user_id, run_id, run.head_message_id, window)
        return run_view(run, line, running)


@post("/api/runs", tags=["runs"])
async def create_run(
    data: CreateRun, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> RunView:
    """Begin a run; the first of `POST /api/prompt/run` does it by itself."""
    check_text(data)
    values = msgspec.structs.asdict(data)
    run_id = values.pop("id") or new_id()
    async with db.transaction(who) as tx:
        await store.begin(tx, who.user_id, run_id, store.NewRun(**values))
    news.run(who, run_id, "changed")
    return await read(db, who, run_id)


@get("/api/runs/{run_id:str}", tags=["runs"])
async def get_run(
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    window: Annotated[int, QueryParameter(ge=1, le=1000)] = WINDOW,
) -> RunView:
    """Return a run with the last messages of its current line, in order."""
    return await read(db, who, run_id, window)


@patch("/api/runs/{run_id:str}", tags=["runs"])
async def change_run(
    run_id: PathId, data: ChangeRun, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> RunView:
    """Rename, describe, tag, star, archive, complete, or turn to another line."""
    check_text(data)
    values = msgspec.structs.asdict(data)
    head = values.pop("head_message_id")
    async with db.transaction(who) as tx:
        await store.change(tx, who.user_id, run_id, store.RunChange(**values))
        if head is not None:
            await tree.turn_to(tx, who.user_id, run_id, head)
    news.run(who, run_id, "changed")
    return await read(db, who, run_id)


@delete("/api/runs/{run_id:str}", tags=["runs"])
async def delete_run(
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    engine: GivenEngine,
    news: GivenNews,
    purge: FromQuery[bool] = False,
) -> None:
    """Delete a run, which can be restored; a deleted one with `purge=true` for good.

    Answers that are being written in it are stopped first.
    """
    async with db.transaction(who) as tx:
        running = await tasks.running_in(tx, who.user_id, run_id)
    await engine.cancel_all(who, running)
    await _delete(db, who, run_id, purge)
    news.run(who, run_id, "deleted")


@retried
async def _delete(db: Database, who: As, run_id: UUID, purge: bool) -> None:
    async with db.transaction(who) as tx:
        await (store.purge if purge else store.delete)(tx, who.user_id, run_id)


@post("/api/runs/{run_id:str}/restore", status_code=200, tags=["runs"])
async def restore_run(
    run_id: PathId, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> RunView:
    """Bring a deleted run back."""
    async with db.transaction(who) as tx:
        await store.restore(tx, who.user_id, run_id)
    news.run(who, run_id, "restored")
    return await read(db, who, run_id)


@post("/api/runs/{run_id:str}/fork", tags=["runs"])
async def fork_run(
    run_id: PathId, data: ForkRun, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> RunView:
    """Begin a new run with the line that ends at a message of another."""
    check_text(data)
    async with db.transaction(who) as tx:
        new = await store.fork(tx, who.user_id, run_id, data.message_id, data.name)
    news.run(who, new, "changed")
    return await read(db, who, new)


routes = [create_run, get_run, change_run, delete_run, restore_run, fork_run]

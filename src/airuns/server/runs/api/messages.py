"""/api/runs/{id}/messages: the turns of a run."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromQuery
from msgspec import UNSET, UnsetType

from airuns.errors import NotFound
from airuns.server.attachments import store as attachments
from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.given import GivenDatabase, GivenNews, GivenSettings, GivenUser, Limit, PathId
from airuns.server.pages import page_size
from airuns.server.runs import store, tasks, tree
from airuns.server.runs.api.execute import check_length
from airuns.server.runs.api.runs import MessageView, message_view
from airuns.server.runs.records import LineMessage, Node
from airuns.server.runs.rules import turn_of
from airuns.server.text import check_text
from airuns.wire import Message


class AddMessage(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Add a message.

    It goes below `parent_id` (left out: the current end; null: the root), which branches when that
    message has been answered already. `task_id` says whose answer it is.
    """

    parent_id: UUID | None | UnsetType = UNSET
    task_id: UUID | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Line(msgspec.Struct, frozen=True):
    """A part of a line, in order; `earlier_messages` says how many come before it."""

    items: list[MessageView]
    earlier_messages: int


@get("/api/runs/{run_id:str}/messages", tags=["messages"])
async def list_messages(
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    before: FromQuery[UUID | None] = None,
    end: FromQuery[UUID | None] = None,
    limit: Limit = None,
) -> Line:
    """Return the last messages of a line, in order.

    The line is the current one, or the one that ends at `end`; `before` asks for those that come
    before a message.
    """
    size = page_size(limit, 50, settings.max_page)
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id)
        last = end or run.head_message_id
        if before is not None:
            last = (await tree.get(tx, who.user_id, run_id, before)).parent_id
        elif end is not None:
            await tree.get(tx, who.user_id, run_id, end)
        if last is None:
            return Line([], 0)
        line = await tree.window(tx, who.user_id, run_id, last, size)
    return Line([message_view(message) for message in line], line[0].depth)


@post("/api/runs/{run_id:str}/messages", tags=["messages"])
async def add_message(
    run_id: PathId,
    data: AddMessage,
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    news: GivenNews,
) -> MessageView:
    """Add a message to a run and make it the current end."""
    check_text(data)
    check_length(data, "content", settings)
    message = await _add(db, who, run_id, data)
    news.run(who, run_id, "message")
    return message_view(message)


@retried
async def _add(db: Database, who: As, run_id: UUID, data: AddMessage) -> LineMessage:
    async with db.transaction(who) as tx:
        await tree.lock(tx, who.user_id, run_id)
        node = await _append(tx, who.user_id, run_id, data)
        [message] = await tree.window(tx, who.user_id, run_id, node.id, 1)
    return message


async def _append(tx: Transaction, user_id: UUID, run_id: UUID, data: AddMessage) -> Node:
    parent_id = data.parent_id
    if data.task_id is not None:
        task = await tasks.get(tx, user_id, data.task_id)
        if task.run_id != run_id:
            raise NotFound(f"There is no task {data.task_id} in this run.", field="task_id")
        answer = await tree.of_task(tx, user_id, run_id, data.task_id)
        if answer is not None:  # completing the task has added it already
            return answer.node
        parent_id = task.request_message_id if parent_id is UNSET else parent_id
    if parent_id is UNSET:
        parent_id = (await store.get(tx, user_id, run_id)).head_message_id
    parent = await tree.get(tx, user_id, run_id, parent_id) if parent_id else None
    named = await attachments.named(tx, user_id, [data.as_dict()], run_id, lambda _: "")
    await attachments.claim(tx, user_id, run_id, named)
    [node] = await tree.append(
        tx,
        user_id,
        run_id,
        parent.node if parent else None,
        [turn_of(named.messages[0])],
        task_id=data.task_id,
        metadata=data.metadata,
    )
    await tree.set_head(tx, user_id, run_id, node.id)
    return node


routes = [list_messages, add_message]

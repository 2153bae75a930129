"""The run tree: append, branch, fork, and find one's place in it.

A message is never changed. Editing or regenerating adds a sibling, and the run's head says which
line is current. Every function works inside the caller's transaction.
"""

from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import NotFound
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id
from airuns.server.runs.records import LineMessage, LockedRun, Message, Node
from airuns.server.runs.rules import Turn, chain_hashes

SQL = queries.load(__package__ or "", "tree.sql")


class Child(msgspec.Struct, frozen=True):
    """A message among its siblings, oldest first."""

    id: UUID
    role: str
    content: str
    task_id: UUID | None
    created_at: Any


class Place(msgspec.Struct, frozen=True):
    """Where a message is on a line: how many steps above its end, and the ends of what is below it.

    `steps` counts the end as 1; `ids` are the messages at the steps that were asked for.
    """

    steps: int
    ids: dict[int, UUID]


class _Step(msgspec.Struct, frozen=True):
    id: UUID
    step: int


async def append(
    tx: Transaction,
    user_id: UUID,
    run_id: UUID,
    parent: Node | None,
    turns: list[Turn],
    *,
    task_id: UUID | None = None,
    metadata: dict[str, Any] | None = None,
) -> list[Node]:
    """Add `turns` below `parent` (None: at the root), each below the last; return their nodes.

    What it costs does not depend on how long the run is.
    """
    if not turns:
        return []
    nodes = _below(parent, turns)
    parents = [parent.id if parent else None, *(node.id for node in nodes[:-1])]
    await tx.execute(
        SQL["message_insert"],
        user_id=user_id,
        run_id=run_id,
        task_id=task_id,
        ids=[node.id for node in nodes],
        parent_ids=parents,
        depths=[node.depth for node in nodes],
        roles=[turn.role for turn in turns],
        contents=[turn.content for turn in turns],
        datas=[None if turn.data is None else to_json(turn.data) for turn in turns],
        hashes=[node.chain_hash for node in nodes],
        metadatas=[to_json(metadata or {})] * len(turns),
        added=[*[0] * (len(turns) - 1), len(turns)],
    )
    return nodes


def _below(parent: Node | None, turns: list[Turn]) -> list[Node]:
    depth = parent.depth + 1 if parent else 0
    hashes = chain_hashes(parent.chain_hash if parent else None, turns)
    return [Node(new_id(), depth + step, each) for step, each in enumerate(hashes)]


def to_json(value: Any) -> str:
    """Encode a value for a json column."""
    return msgspec.json.encode(value).decode()


async def lock(tx: Transaction, user_id: UUID, run_id: UUID) -> LockedRun:
    """Lock a run's row until the transaction ends, because what follows moves its head.

    Raises NotFound when the user has no such run.
    """
    run = await tx.one(LockedRun, SQL["run_lock"], user_id=user_id, run_id=run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.", field="run_id")
    return run


async def set_head(tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID | None) -> None:
    """Make the line that ends at a message the current one."""
    await tx.execute(SQL["run_set_head"], user_id=user_id, run_id=run_id, message_id=message_id)


async def advance_head(
    tx: Transaction, user_id: UUID, run_id: UUID, from_id: UUID | None, to_id: UUID
) -> None:
    """Move the head from a question to its answer, unless somebody has moved it elsewhere."""
    await tx.execute(
        SQL["run_advance_head"], user_id=user_id, run_id=run_id, from_id=from_id, message_id=to_id
    )


async def get(
    tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID, *, field: str = "message_id"
) -> Message:
    """Return a message of a run. Raises NotFound, naming `field`, when the run has none such."""
    message = await tx.one(
        Message, SQL["message_get"], user_id=user_id, run_id=run_id, message_id=message_id
    )
    if message is None:
        raise NotFound(f"Run {run_id} has no message {message_id}.", field=field)
    return message


async def turns(tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID) -> list[Turn]:
    """Return the whole line that ends at a message, from its root: what a model is sent."""
    return await tx.all(
        Turn, SQL["line_turns"], user_id=user_id, run_id=run_id, message_id=message_id
    )


async def window(
    tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID, limit: int
) -> list[LineMessage]:
    """Return the last `limit` messages of the line that ends at a message, oldest first.

    What it costs depends on `limit` and not on how long the line is.
    """
    return await tx.all(
        LineMessage,
        SQL["line_window"],
        user_id=user_id,
        run_id=run_id,
        message_id=message_id,
        limit=limit,
    )


async def place(
    tx: Transaction, user_id: UUID, run_id: UUID, message: Message, end: Message, every: int
) -> Place | None:
    """Return where a message is on the line that ends at `end`; None when it is not on it.

    The ids are those of every `every`-th step, and the message's. What it costs depends on how far
    the message is from the end.
    """
    steps = end.depth - message.depth + 1
    rows = await tx.all(
        _Step,
        SQL["line_place"],
        user_id=user_id,
        run_id=run_id,
        message_id=end.id,
        steps=steps,
        every=every,
    )
    ids = {row.step: row.id for row in rows}
    return Place(steps, ids) if ids.get(steps) == message.id else None


async def newest_end(tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID) -> UUID:
    """Return where the newest line through a message ends."""
    return await tx.value(SQL["newest_leaf"], user_id=user_id, run_id=run_id, message_id=message_id)


async def children(
    tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID | None
) -> list[Child]:
    """Return the children of a message (None: the roots), oldest first."""
    query = SQL["roots"] if message_id is None else SQL["children"]
    return await tx.all(Child, query, user_id=user_id, run_id=run_id, message_id=message_id)


async def turn_to(tx: Transaction, user_id: UUID, run_id: UUID, message_id: UUID) -> UUID:
    """Make the newest line through a message the current one; return its end.

    Raises NotFound when the run has no such message.
    """
    await lock(tx, user_id, run_id)
    await get(tx, user_id, run_id, message_id)
    leaf = await newest_end(tx, user_id, run_id, message_id)
    await set_head(tx, user_id, run_id, leaf)
    return leaf


async def find(
    tx: Transaction, user_id: UUID, run_id: UUID, turns: list[Turn]
) -> tuple[Node | None, int]:
    """Find the node of a run that the longest known prefix of a conversation ends at.

    Returns the node (None: not even the first turn is known) and how many turns it covers.
    """
    hashes = chain_hashes(None, turns)
    node = await tx.one(Node, SQL["node_by_chain"], user_id=user_id, run_id=run_id, hashes=hashes)
    return node, node.depth + 1 if node else 0


async def append_line(
    tx: Transaction, user_id: UUID, run_id: UUID, turns: list[Turn]
) -> Node | None:
    """Add what is new of a conversation that a caller sent again; return its end."""
    node, known = await find(tx, user_id, run_id, turns)
    added = await append(tx, user_id, run_id, node, turns[known:])
    return added[-1] if added else node


async def add_answer(
    tx: Transaction,
    user_id: UUID,
    run_id: UUID,
    question: Node | None,
    answer: Turn,
    task_id: UUID,
    metadata: dict[str, Any],
) -> Node:
    """Add a task's answer below its question and move the head to it, if it is still there."""
    [node] = await append(
        tx, user_id, run_id, question, [answer], task_id=task_id, metadata=metadata
    )
    await advance_head(tx, user_id, run_id, question.id if question else None, node.id)
    return node


async def of_task(tx: Transaction, user_id: UUID, run_id: UUID, task_id: UUID) -> Message | None:
    """Return the message that a task answered with, if there is one."""
    return await tx.one(
        Message, SQL["message_of_task"], user_id=user_id, run_id=run_id, task_id=task_id
    )

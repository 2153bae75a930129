"""Changes of many runs at once, each of which can be undone.

A change remembers exactly the runs that it changed: a run that was starred already is not among
them, so undoing leaves its star. Every function works inside the caller's transaction.
"""

from typing import Literal
from uuid import UUID

import msgspec

from airuns.errors import Conflict, NotFound
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id
from airuns.server.runs.lists import RunFilter, all_of, clauses_of

SQL = queries.load(__package__ or "", "changes.sql")

Action = Literal["star", "unstar", "archive", "unarchive", "delete", "restore", "tag", "untag"]


class Change(msgspec.Struct, frozen=True):
    """A change that was made, and how many runs it changed."""

    id: UUID
    action: Action
    tag: str | None
    count: int


class _Stored(Change, frozen=True):
    is_undone: bool


class _Rule(msgspec.Struct, frozen=True):
    """How an action is done and undone, in SQL.

    `applies` to the runs that it would change; `was` is what they had before, as text, where
    `back` needs it; a run that is still as the action has left it is `unchanged`.
    """

    applies: str
    change: str
    back: str
    unchanged: str
    was: str = "null::text"


RULES: dict[str, _Rule] = {
    "star": _Rule(
        applies="deleted_at is null and not is_starred",
        change="is_starred = true",
        back="is_starred = false",
        unchanged="r.is_starred",
    ),
    "unstar": _Rule(
        applies="deleted_at is null and is_starred",
        change="is_starred = false",
        back="is_starred = true",
        unchanged="not r.is_starred",
    ),
    "archive": _Rule(
        applies="deleted_at is null and archived_at is null",
        change="archived_at = now()",
        back="archived_at = null",
        unchanged="r.archived_at = c.created_at",
    ),
    "unarchive": _Rule(
        applies="deleted_at is null and archived_at is not null",
        change="archived_at = null",
        back="archived_at = w.was::timestamptz",
        unchanged="r.archived_at is null",
        was="archived_at::text",
    ),
    "delete": _Rule(
        applies="deleted_at is null",
        change="deleted_at = now()",
        back="deleted_at = null",
        unchanged="r.deleted_at = c.created_at",
    ),
    "restore": _Rule(  # what went with its prompt comes back with it, not alone
        applies="deleted_at is not null and not exists (select from airuns.prompts as p where"
        " p.user_id = %(user_id)s and p.id = prompt_id and p.deleted_at is not null)",
        change="deleted_at = null",
        back="deleted_at = w.was::timestamptz",
        unchanged="r.deleted_at is null",
        was="deleted_at::text",
    ),
    "tag": _Rule(  # one that has as many tags as a run may have stays as it is
        applies="deleted_at is null and not %(label)s = any(tags) and cardinality(tags) < 50",
        change="tags = tags || %(label)s::text",
        back="tags = array_remove(r.tags, c.tag)",
        unchanged="c.tag = any(r.tags)",
    ),
    "untag": _Rule(
        applies="deleted_at is null and %(label)s = any(tags)",
        change="tags = array_remove(tags, %(label)s)",
        back="tags = case when r.tags = array_remove(w.was::text[], c.tag) then w.was::text[]"
        " else r.tags || c.tag end",
        unchanged="not c.tag = any(r.tags) and cardinality(r.tags) < 50",
        was="tags::text",
    ),
}


async def change(
    tx: Transaction, user_id: UUID, action: Action, tag: str | None, which: RunFilter | list[UUID]
) -> Change:
    """Do something to all runs that a list has, or that are named; `tag` is for tag and untag."""
    rule = RULES[action]
    clauses, params = clauses_of(which)
    query = SQL["runs_change"].format(
        change=rule.change, was=rule.was, filters=all_of([*clauses, rule.applies])
    )
    rows = await tx.rows(query, user_id=user_id, label=tag, **params)
    change_id = new_id()
    await tx.execute(SQL["changes_forget"], user_id=user_id)
    await tx.execute(
        SQL["change_insert"],
        user_id=user_id,
        change_id=change_id,
        action=action,
        tag=tag,
        run_ids=[row["id"] for row in rows],
        run_was=[row["was"] for row in rows],
    )
    return Change(change_id, action, tag, len(rows))


async def undo(tx: Transaction, user_id: UUID, change_id: UUID) -> Change:
    """Take a change back, once; runs that something else has changed since stay as they are.

    Raises NotFound, or Conflict when runs would come back whose prompt is deleted.
    """
    ids = {"user_id": user_id, "change_id": change_id}
    made = await tx.one(_Stored, SQL["change_lock"], **ids)
    if made is None:
        raise NotFound(f"There is no change {change_id} of runs.", field="change_id")
    if not made.is_undone:
        if made.action == "delete":
            await _hold_prompts(tx, ids)
        rule = RULES[made.action]
        await tx.execute(SQL["change_undo"].format(back=rule.back, unchanged=rule.unchanged), **ids)
        await tx.execute(SQL["change_undone"], **ids)
    return Change(made.id, made.action, made.tag, made.count)


async def _hold_prompts(tx: Transaction, ids: dict[str, UUID]) -> None:
    for prompt in await tx.rows(SQL["change_prompts"], **ids):
        if prompt["is_deleted"]:
            raise Conflict(
                "A prompt of these runs is deleted: restore it with "
                f"POST /api/prompts/{prompt['id']}/restore, then undo again."
            )


async def running(tx: Transaction, user_id: UUID, which: RunFilter | list[UUID]) -> list[UUID]:
    """Return the tasks that still run in all runs that a list has, or that are named."""
    clauses, params = clauses_of(which)
    query = SQL["runs_unended"].format(filters=all_of(clauses))
    return [row["task_id"] for row in await tx.rows(query, user_id=user_id, **params)]

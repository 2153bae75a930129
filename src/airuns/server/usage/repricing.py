"""Repricing: what past tasks cost by the prices that we know today for the time they ended at.

A user's own price of a model wins. Tasks without token counts stay as they are, and so do those
whose caller said the cost, and those whose price is unknown today: a known cost is never forgotten.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.models import prices
from airuns.server.models import store as models
from airuns.server.models.call import Usage
from airuns.server.models.prices import Cost, OwnPrice

SQL = queries.load(__package__ or "", "repricing.sql")

BATCH = 500

Model = tuple[str, str]
"""The names of a provider and of a model."""


class Repriced(msgspec.Struct, kw_only=True):
    """What repricing changes for one model; sums in USD over the tasks whose cost changes."""

    provider: str
    model: str
    tasks: int = 0
    changed: int = 0
    unpriced_before: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    created_at: datetime
    task_id: UUID
    provider: str
    model: str
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    usage_estimated: bool
    cost: Decimal | None
    completed_at: datetime

    @property
    def usage(self) -> Usage:
        return Usage(
            input=self.tokens_input,
            output=self.tokens_output,
            cache_read=self.tokens_cache_read,
            cache_write_5m=self.tokens_cache_write_5m,
            cache_write_1h=self.tokens_cache_write_1h,
            reasoning=self.tokens_reasoning,
            estimated=self.usage_estimated,
        )


async def reprice(
    db: Database, who: As, since: datetime, until: datetime, model: str | None, *, write: bool
) -> list[Repriced]:
    """Price a user's tasks of a time anew; return what that changes, by model.

    `model` is a bare name or provider/name. Without `write` nothing is stored. Each batch is a
    transaction of its own, so that nobody waits long; repeating it is safe.
    """
    found: dict[Model, Repriced] = {}
    after, after_id = since, UUID(int=0)
    while True:
        async with db.transaction(who) as tx:
            batch = await tx.all(
                _Task,
                SQL["tasks_to_price"],
                user_id=who.user_id,
                since=since,
                until=until,
                after=after,
                after_id=after_id,
                model=model,
                most=BATCH,
            )
            own = await _own_prices(tx, who.user_id) if batch else {}
        changes = [(task, cost) for task in batch if (cost := _noted(task, own, found)) is not None]
        if write and changes:
            await _write(db, who, changes)
        if len(batch) < BATCH:
            return sorted(found.values(), key=lambda each: (each.provider, each.model))
        after, after_id = batch[-1].created_at, batch[-1].task_id


async def _own_prices(tx: Transaction, user_id: UUID) -> dict[Model, OwnPrice | None]:
    return {(one.provider, one.name): one.own_price for one in await models.models(tx, user_id)}


def _noted(
    task: _Task, own: dict[Model, OwnPrice | None], found: dict[Model, Repriced]
) -> Cost | None:
    """Note what a task cost and costs; return the new cost when it is another."""
    key = task.provider, task.model
    noted = found.setdefault(key, Repriced(provider=task.provider, model=task.model))
    noted.tasks += 1
    cost = prices.cost_of(task.usage, *key, own.get(key), task.completed_at)
    if cost is None or cost.usd == task.cost:
        return None
    noted.changed += 1
    noted.unpriced_before += task.cost is None
    noted.before += task.cost or 0
    noted.after += cost.usd
    return cost


@retried
async def _write(db: Database, who: As, changes: list[tuple[_Task, Cost]]) -> None:
    values: dict[str, Any] = {
        "task_ids": [task.task_id for task, _ in changes],
        "costs": [cost.usd for _, cost in changes],
        "prices": [msgspec.json.encode(cost.price).decode() for _, cost in changes],
        "befores": [task.cost for task, _ in changes],
    }
    async with db.transaction(who) as tx:
        await tx.execute(SQL["lock_runs"], user_id=who.user_id, task_ids=values["task_ids"])
        await tx.execute(SQL["price_tasks"], user_id=who.user_id, **values)

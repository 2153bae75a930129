"""Budgets: what may be spent in a day, a week or a month, and what is left of it.

What is spent is the sum over tasks that have ended, by when they were submitted; those that still
run are not in it, nor are those of unknown cost, which are counted as `unpriced`.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from airuns.errors import BudgetSpent, NotFound
from airuns.server.db import queries
from airuns.server.db.door import As, Transaction
from airuns.server.ids import new_id
from airuns.server.money import Usd

SQL = queries.load(__package__ or "")

Period = Literal["day", "week", "month"]
Scope = Literal["user", "key", "prompt"]
State = Literal["good", "near", "over"]

NEAR = Decimal("0.8")
APPLYING = (
    "and b.is_hard and (b.key_id is null or b.key_id = %(of_key)s)"
    " and (b.prompt_id is null or b.prompt_id = %(of_prompt)s)"
)


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and how it stands; amounts in USD.

    It is of everything, of one API key, or of one prompt. `since` and `until` are the current
    period (UTC, weeks begin on Mondays). `state` is near from four fifths of the limit on, and over
    once it is spent: then a hard one refuses calls. `unpriced` tasks of it have no known cost.
    """

    id: UUID
    name: str
    scope: Scope
    key_id: UUID | None
    prompt_id: UUID | None
    period: Period
    limit: Decimal
    is_hard: bool
    since: datetime
    until: datetime
    spent: Decimal
    left: Decimal
    share: float
    state: State
    unpriced: int
    created_at: datetime


class NewBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What a budget starts with; of everything unless it names a key or a prompt."""

    name: str
    period: Period
    limit: Decimal
    is_hard: bool
    key_id: UUID | None = None
    prompt_id: UUID | None = None


class BudgetChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a budget changes; None leaves it as it is."""

    name: str | None = None
    period: Period | None = None
    limit: Decimal | None = None
    is_hard: bool | None = None


async def budgets(tx: Transaction, user_id: UUID) -> list[Budget]:
    """Return a user's budgets and how they stand, oldest first."""
    query = SQL["budget_states"].format(filters="")
    return [_budget(row) for row in await tx.rows(query, user_id=user_id)]


async def get(tx: Transaction, user_id: UUID, budget_id: UUID) -> Budget:
    """Return a budget and how it stands. Raises NotFound."""
    query = SQL["budget_states"].format(filters="and b.id = %(id)s")
    for row in await tx.rows(query, user_id=user_id, id=budget_id):
        return _budget(row)
    raise _none(budget_id)


async def add(tx: Transaction, user_id: UUID, new: NewBudget) -> Budget:
    """Add a budget. Raises NotFound when there is no such key or prompt."""
    budget_id = new_id()
    values = msgspec.structs.asdict(new)
    values["amount"] = values.pop("limit")
    if not await tx.execute(SQL["budget_insert"], user_id=user_id, id=budget_id, **values):
        if new.key_id:
            raise NotFound(f"There is no API key {new.key_id}.", field="key_id")
        raise NotFound(f"There is no prompt {new.prompt_id}.", field="prompt_id")
    return await get(tx, user_id, budget_id)


async def change(tx: Transaction, user_id: UUID, budget_id: UUID, new: BudgetChange) -> Budget:
    """Change a budget. Raises NotFound."""
    values = msgspec.structs.asdict(new)
    values["amount"] = values.pop("limit")
    await tx.execute(SQL["budget_update"], user_id=user_id, id=budget_id, **values)
    return await get(tx, user_id, budget_id)


async def delete(tx: Transaction, user_id: UUID, budget_id: UUID) -> None:
    """Delete a budget. Raises NotFound."""
    if not await tx.execute(SQL["budget_delete"], user_id=user_id, id=budget_id):
        raise _none(budget_id)


async def check(tx: Transaction, who: As, prompt_id: UUID | None) -> None:
    """Raise BudgetSpent when a hard budget that a call would be of is spent.

    To be asked before anything of the call is stored.
    """
    query = SQL["budget_states"].format(filters=APPLYING)
    rows = await tx.rows(query, user_id=who.user_id, of_key=who.key_id, of_prompt=prompt_id)
    over = [budget for budget in map(_budget, rows) if budget.state == "over"]
    if over:
        last = max(over, key=lambda budget: budget.until)
        raise BudgetSpent(
            f"The budget {last.name} is used up: {last.spent:f} of {last.limit:f} USD are spent in "
            f"this {last.period}. It starts again at {last.until:%Y-%m-%d %H:%M} UTC; until then, "
            "its limit can be raised.",
            retry_after=max(1.0, (last.until - datetime.now(UTC)).total_seconds()),
        )


def _budget(row: dict[str, Any]) -> Budget:
    limit, spent = row.pop("amount"), row["spent"]
    share = spent / limit
    return Budget(
        **row,
        scope="key" if row["key_id"] else "prompt" if row["prompt_id"] else "user",
        limit=limit,
        left=Usd(max(limit - spent, Decimal(0))),
        share=float(share),
        state="over" if share >= 1 else "near" if share >= NEAR else "good",
    )


def _none(budget_id: UUID) -> NotFound:
    return NotFound(f"There is no budget {budget_id}.", field="budget_id")

"""/api/budgets: what may be spent, and what is left of it."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post

from airuns.errors import InvalidInput
from airuns.server.budgets import store
from airuns.server.budgets.store import Budget, BudgetChange, NewBudget, Period
from airuns.server.given import GivenDatabase, GivenUser, PathId
from airuns.server.text import check_text
from airuns.wire import Name

MOST_USD = Decimal(10) ** 12


class AddBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget of everything, or of the API key or the prompt that it names.

    `limit` is in USD. A hard budget refuses calls once it is spent; another is only shown.
    """

    name: Name
    period: Period
    limit: Annotated[Decimal, msgspec.Meta(description="USD")]
    is_hard: bool = False
    key_id: UUID | None = None
    prompt_id: UUID | None = None


class ChangeBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a budget changes; what is left out stays."""

    name: Name | None = None
    period: Period | None = None
    limit: Decimal | None = None
    is_hard: bool | None = None


class Budgets(msgspec.Struct, frozen=True):
    """All budgets of a user, oldest first."""

    items: list[Budget]


@get("/api/budgets", tags=["analytics"])
async def list_budgets(who: GivenUser, db: GivenDatabase) -> Budgets:
    """List budgets: what is spent of each in its current period, and what is left."""
    async with db.transaction(who) as tx:
        return Budgets(await store.budgets(tx, who.user_id))


@post("/api/budgets", tags=["analytics"])
async def add_budget(data: AddBudget, who: GivenUser, db: GivenDatabase) -> Budget:
    """Add a budget. Tasks that have run in its period already count."""
    check_text(data)
    _check_limit(data.limit)
    if data.key_id and data.prompt_id:
        raise InvalidInput(
            "A budget is of a key or of a prompt: leave one of them out.", field="prompt_id"
        )
    async with db.transaction(who) as tx:
        new = NewBudget(**msgspec.structs.asdict(data))
        return await store.add(tx, who.user_id, new)


@get("/api/budgets/{budget_id:str}", tags=["analytics"])
async def get_budget(budget_id: PathId, who: GivenUser, db: GivenDatabase) -> Budget:
    """Return a budget and how it stands."""
    async with db.transaction(who) as tx:
        return await store.get(tx, who.user_id, budget_id)


@patch("/api/budgets/{budget_id:str}", tags=["analytics"])
async def change_budget(
    budget_id: PathId, data: ChangeBudget, who: GivenUser, db: GivenDatabase
) -> Budget:
    """Change a budget's name, limit, period or kind. It counts for the next call."""
    check_text(data)
    if data.limit is not None:
        _check_limit(data.limit)
    async with db.transaction(who) as tx:
        new = BudgetChange(**msgspec.structs.asdict(data))
        return await store.change(tx, who.user_id, budget_id, new)


@delete("/api/budgets/{budget_id:str}", tags=["analytics"])
async def delete_budget(budget_id: PathId, who: GivenUser, db: GivenDatabase) -> None:
    """Delete a budget. What was spent stays in the analytics."""
    async with db.transaction(who) as tx:
        await store.delete(tx, who.user_id, budget_id)


def _check_limit(limit: Decimal) -> None:
    if not (limit.is_finite() and 0 < limit <= MOST_USD):
        raise InvalidInput("limit must be a number of USD, more than 0.", field="limit")


routes = [list_budgets, add_budget, get_budget, change_budget, delete_budget]

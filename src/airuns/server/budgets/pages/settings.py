"""The settings of budgets: what may be spent, and how much of it is."""

from typing import Any, get_args
from uuid import UUID

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from airuns.server import ui
from airuns.server.accounts import store as accounts
from airuns.server.budgets import store
from airuns.server.budgets.store import Budget, Period
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.money import plain
from airuns.server.prompts import lists as prompts
from airuns.server.prompts.lists import Asked
from airuns.server.usage import store as usage

CHOICES = 200

AnyRequest = Request[Any, Any, Any]


@get("/settings/budgets", include_in_schema=False)
async def budgets_page(request: AnyRequest, db: GivenDatabase, who: GivenUser) -> Template:
    """Show one's budgets and how they stand."""
    async with db.transaction(who) as tx:
        found = await store.budgets(tx, who.user_id)
        ids = [each for budget in found for each in (budget.key_id, budget.prompt_id) if each]
        names = await usage.names(tx, who.user_id, ids)
    part = "_" if ui.wants_part(request) else ""
    return ui.page(
        request, f"budgets/pages/{part}budgets.html", budgets=found, names=names, words=WORDS
    )


@get("/settings/budgets/form", include_in_schema=False)
async def budget_form(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    budget: UUID | None = None,
    prompt: UUID | None = None,
) -> Template:
    """Answer with the dialog of a new budget, or of one that is there."""
    keys = await accounts.list_keys(db, who, None, CHOICES)
    async with db.transaction(who) as tx:
        shown: Budget | None = await store.get(tx, who.user_id, budget) if budget else None
        found = await prompts.prompts(tx, who.user_id, Asked(None, CHOICES))
    return ui.page(
        request,
        "budgets/pages/_budget_form.html",
        budget=shown,
        limit=plain(shown.limit) if shown else "",
        keys=[key for key in keys if key.revoked_at is None],
        prompts=found.items,
        prompt_id=prompt,
        periods=get_args(Period),
        words=WORDS,
    )


WORDS: dict[Period, str] = {"day": "a day", "week": "a week", "month": "a month"}

routes: list[HTTPRouteHandler] = [budgets_page, budget_form]

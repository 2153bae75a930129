"""The history of a prompt: a page of its own, and what expands below a row of the table."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from airuns.server import ui
from airuns.server.db.door import Transaction
from airuns.server.given import Cursor, GivenDatabase, GivenUser, PathId
from airuns.server.prompts import store
from airuns.server.prompts.history import STATUSES, executions
from airuns.server.prompts.pages import reading
from airuns.server.prompts.pages.history_asked import Asked, asked_of
from airuns.server.usage import store as usage
from airuns.server.usage.store import PromptUsage

PAGE = 50
RUNNING = ("pending", "streaming")

AnyRequest = Request[Any, Any, Any]
TaskId = FromPath[UUID]


@get("/ai/prompts/{prompt_id:str}/history", include_in_schema=False)
async def history_page(
    request: AnyRequest,
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    cursor: Cursor = None,
) -> Template:
    """Show a prompt's executions, 50 at a time; to a script the part that it puts in."""
    asked = asked_of(request, prompt_id)
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
        page = await executions(tx, who.user_id, prompt_id, asked.filter, cursor, PAGE)
        runs = await reading.count_runs(tx, who.user_id, prompt_id)
        is_alone = not ui.wants_part(request) or _is_on_its_page(request)
        used = None if cursor or not is_alone else await _usage(tx, who.user_id, asked)
    part = "_history_entries.html" if cursor else "_history.html"
    return ui.page(
        request,
        f"prompts/pages/{part if ui.wants_part(request) else 'history.html'}",
        headers={"HX-Push-Url": asked.path()} if not cursor and _is_on_its_page(request) else None,
        prompt=prompt,
        page=page,
        asked=asked,
        statuses=STATUSES,
        runs=runs,
        running=RUNNING,
        usage=used,
        usage_days="last 30 days" if not (asked.since or asked.until) else "in these days",
    )


async def _usage(tx: Transaction, user_id: UUID, asked: Asked) -> PromptUsage | None:
    """Return what the prompt was used for in the days that are shown; None of nothing."""
    if asked.days is None:
        return None
    found = await usage.prompt_usage(tx, user_id, asked.prompt_id, *asked.days)
    return found if found.versions else None


@get("/ai/prompts/{prompt_id:str}/history/{task_id:str}", include_in_schema=False)
async def exchange_part(
    request: AnyRequest, prompt_id: PathId, task_id: TaskId, db: GivenDatabase, who: GivenUser
) -> Template:
    """Show one execution in full, where its line is opened."""
    async with db.transaction(who) as tx:
        exchange = await reading.execution(tx, who.user_id, prompt_id, task_id)
    return ui.page(
        request,
        "prompts/pages/_exchange.html",
        exchange=exchange,
        running=exchange.status in RUNNING,
    )


def _is_on_its_page(request: AnyRequest) -> bool:
    """Say whether the history is shown on its own page, whose address says what is filtered."""
    return urlsplit(request.headers.get("hx-current-url", "")).path == request.url.path


routes: list[HTTPRouteHandler] = [history_page, exchange_part]

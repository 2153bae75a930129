"""The history of a prompt: a page of its own, and what expands below a row of the table."""

from typing import Annotated, Any, cast, get_args
from uuid import UUID

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import Cursor, GivenDatabase, GivenUser, PathId
from airuns.server.prompts import store
from airuns.server.prompts.lists import Asked, Status
from airuns.server.prompts.pages import reading

PAGE = 50
RUNNING = ("pending", "streaming")

AnyRequest = Request[Any, Any, Any]
TaskId = FromPath[UUID]
StatusChoice = Annotated[str, QueryParameter(max_length=20)]


@get("/ai/prompts/{prompt_id:str}/history", include_in_schema=False)
async def history_page(
    request: AnyRequest,
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    status: StatusChoice = "",
    cursor: Cursor = None,
) -> Template:
    """Show a prompt's executions, 50 at a time; to a script the part that it puts in."""
    chosen = cast("Status", status) if status in get_args(Status) else None
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
        page = await reading.executions(tx, who.user_id, prompt_id, Asked(cursor, PAGE), chosen)
        runs = await reading.count_runs(tx, who.user_id, prompt_id)
    part = "_history_entries.html" if cursor else "_history.html"
    return ui.page(
        request,
        f"prompts/pages/{part if ui.wants_part(request) else 'history.html'}",
        prompt=prompt,
        page=page,
        status=chosen or "",
        runs=runs,
        running=RUNNING,
    )


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


routes: list[HTTPRouteHandler] = [history_page, exchange_part]

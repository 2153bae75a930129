"""Everything that is known of a run, and each of its requests to the byte."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import Template

from airuns.errors import NotFound
from airuns.server import ui
from airuns.server.given import GivenDatabase, GivenUser, PathId
from airuns.server.money import encode
from airuns.server.runs import lists, store, tasks
from airuns.server.runs.records import Task

AnyRequest = Request[Any, Any, Any]
PAGE = 50


@get("/ai/runs/{run_id:uuid}/details", include_in_schema=False)
async def details(
    request: AnyRequest, run_id: PathId, who: GivenUser, db: GivenDatabase
) -> Template:
    """Return what the details dialog shows of a run."""
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id)
        page = await lists.tasks(tx, who.user_id, lists.TaskFilter(run_id=run_id), None, PAGE)
    return ui.page(request, "runs/pages/_details.html", run=run, page=page, pretty=pretty)


@get("/ai/runs/{run_id:uuid}/requests", include_in_schema=False)
async def requests(
    request: AnyRequest,
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    cursor: FromQuery[str | None] = None,
) -> Template:
    """Return further requests of a run."""
    async with db.transaction(who) as tx:
        page = await lists.tasks(tx, who.user_id, lists.TaskFilter(run_id=run_id), cursor, PAGE)
    return ui.page(request, "runs/pages/_requests.html", run_id=run_id, page=page)


@get("/ai/runs/{run_id:uuid}/requests/{task_id:uuid}", include_in_schema=False)
async def one_request(
    request: AnyRequest, run_id: PathId, task_id: PathId, who: GivenUser, db: GivenDatabase
) -> Template:
    """Return a request as it was sent, and all that came back."""
    async with db.transaction(who) as tx:
        task = await tasks.get(tx, who.user_id, task_id)
        if task.run_id != run_id:
            raise NotFound(f"There is no request {task_id} in this run.", field="task_id")
        sent = await tasks.rebuild_request(tx, who.user_id, task)
    return ui.page(
        request,
        "runs/pages/_request.html",
        task=task,
        sent=sent.decode(),
        answered=_answered(task),
        pretty=pretty,
    )


def _answered(task: Task) -> dict[str, Any]:
    """Return the parts of a response that hold something, by their names."""
    names = (
        *("response_data", "response_info", "response_errors", "tool_updates"),
        *("response_metadata", "price"),
    )
    return {name: value for name in names if (value := getattr(task, name)) is not None}


def pretty(value: Any) -> str:
    """Return a value as JSON that people can read."""
    return msgspec.json.format(encode(value), indent=2).decode()


routes = [details, requests, one_request]

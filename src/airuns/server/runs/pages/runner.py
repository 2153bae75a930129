"""The runner and the chat: a new run, a run that goes on, and the parts of them that change."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect, Template

from airuns.errors import NotFound
from airuns.server import ui
from airuns.server.db.door import As, Transaction
from airuns.server.given import GivenDatabase, GivenUser, PathId
from airuns.server.models import listing
from airuns.server.models import store as models
from airuns.server.models.listing import ModelRow
from airuns.server.prompts import store as prompts
from airuns.server.prompts.store import Prompt
from airuns.server.runs import lists, store, tree
from airuns.server.runs.api.execute import GivenEngine
from airuns.server.runs.engine import Engine
from airuns.server.runs.pages import conversation, preview, sidebar
from airuns.server.runs.pages.conversation import WINDOW, Conversation
from airuns.server.runs.pages.details import pretty
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import Run

AnyRequest = Request[Any, Any, State]
REQUESTS_SHOWN = 8
LARGEST_WINDOW = 100

Model = Annotated[str | None, QueryParameter(description="What to begin with.", max_length=300)]

At = Annotated[UUID | None, QueryParameter(description="The message to show.")]


@get("/ai/chat", include_in_schema=False)
async def new_chat(
    request: AnyRequest, who: GivenUser, db: GivenDatabase, model: Model = None
) -> Template:
    """Show an empty chat."""
    async with db.transaction(who) as tx:
        last = await tx.value(conversation.SQL["last_chat_model"], user_id=who.user_id)
        settings = {"model": model or last or _default_model(request)}
        context = await _around(request, tx, who, settings, None, None)
    return ui.page(request, "runs/pages/runner.html", **context)


@get("/ai/prompts/run/{prompt_id:uuid}", include_in_schema=False)
async def new_run(
    request: AnyRequest,
    prompt_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    run_id: Annotated[UUID | None, QueryParameter(name="runId")] = None,
    model: Model = None,
) -> Template | Redirect:
    """Show the form that a run of a prompt begins with; with `runId`, go to that run."""
    if run_id is not None:
        return Redirect(path_of(run_id, prompt_id), status_code=303)
    async with db.transaction(who) as tx:
        prompt = await prompts.get(tx, who.user_id, prompt_id)
        chosen = model or prompt.settings.get("model") or _default_model(request)
        settings = {**prompt.settings, "model": chosen}
        context = await _around(request, tx, who, settings, prompt, None)
    return ui.page(request, "runs/pages/runner.html", **context)


@get("/ai/prompts/run/{prompt_id:uuid}/{run_id:uuid}", include_in_schema=False)
async def prompt_run(
    request: AnyRequest,
    prompt_id: PathId,
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    engine: GivenEngine,
    message: At = None,
) -> Template | Redirect:
    """Show a run of a prompt."""
    return await _run_page(request, who, db, engine, run_id, prompt_id, message)


@get("/ai/chat/{run_id:uuid}", include_in_schema=False)
async def chat(
    request: AnyRequest,
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    engine: GivenEngine,
    message: At = None,
) -> Template | Redirect:
    """Show a chat, or a run that a program has recorded."""
    return await _run_page(request, who, db, engine, run_id, None, message)


@get("/ai/runs/{run_id:uuid}", include_in_schema=False)
async def go_to_run(run_id: PathId, who: GivenUser, db: GivenDatabase) -> Redirect:
    """Go to the page on which a run goes on."""
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id, deleted=True)
    return Redirect(path_of(run_id, run.prompt_id), status_code=303)


async def _run_page(
    request: AnyRequest,
    who: As,
    db: GivenDatabase,
    engine: Engine,
    run_id: UUID,
    prompt_id: UUID | None,
    at: UUID | None,
) -> Template | Redirect:
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id, deleted=True)
        if run.prompt_id != prompt_id:
            return Redirect(path_of(run_id, run.prompt_id), status_code=303)
        prompt = await _prompt_of(tx, who, run)
        context = await _around(request, tx, who, run.settings, prompt, run)
        if run.deleted_at is not None:
            return ui.page(request, "runs/pages/deleted.html", status_code=410, **context)
        shown = _with_text(await _conversation(tx, who, run, at), who, engine)
        inspected = await _inspected(tx, who, run)
    context |= {"shown": shown, "at": at, **inspected}
    return ui.page(request, "runs/pages/runner.html", **context)


async def _conversation(tx: Transaction, who: As, run: Run, at: UUID | None) -> Conversation:
    """Return the end of a run's line, or what is around a message that the run has."""
    if at is not None:
        try:
            return await conversation.read_at(tx, who.user_id, run, at)
        except NotFound:  # a link may outlive its message; the run is what is left
            pass
    return await conversation.read(tx, who.user_id, run)


@get("/ai/runs/{run_id:uuid}/thread", include_in_schema=False)
async def thread(
    request: AnyRequest,
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    engine: GivenEngine,
    end: FromQuery[UUID | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_WINDOW)] = WINDOW,
) -> Template:
    """Return the last messages of the line, or of the part of it that ends at `end`."""
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id)
        read = await conversation.read(tx, who.user_id, run, end, limit)
    shown = _with_text(read, who, engine)
    return ui.page(request, "runs/pages/_thread.html", run=run, shown=shown)


@get("/ai/runs/{run_id:uuid}/frame", include_in_schema=False)
async def frame(request: AnyRequest, run_id: PathId, who: GivenUser, db: GivenDatabase) -> Template:
    """Return what stands around the conversation: the header and the inspector."""
    async with db.transaction(who) as tx:
        run = await store.get(tx, who.user_id, run_id, deleted=True)
        prompt = await _prompt_of(tx, who, run)
        inspected = await _inspected(tx, who, run)
    part = "_deleted.html" if run.deleted_at else "_frame.html"
    return ui.page(
        request, f"runs/pages/{part}", run=run, prompt=prompt, pretty=pretty, **inspected
    )


async def _prompt_of(tx: Transaction, who: As, run: Run) -> Prompt | None:
    if run.prompt_id is None:
        return None
    return await prompts.read(tx, who.user_id, run.prompt_id, run.prompt_version)


async def _around(
    request: AnyRequest,
    tx: Transaction,
    who: As,
    settings: dict[str, Any],
    prompt: Prompt | None,
    run: Run | None,
) -> dict[str, Any]:
    """Return what every page of a run needs, new or not."""
    prompt_id = run.prompt_id if run else prompt.id if prompt else None
    return {
        "nav": "prompts" if prompt_id else "chat",
        "prompt": prompt,
        "run": run,
        "shown": Conversation(turns=[], open=None, answers=[]),
        "settings": settings,
        "model_row": await _model_row(request, tx, who, settings.get("model")),
        "sidebar": await sidebar.context(
            tx, who, request, prompt_id=prompt_id, run_id=run.id if run else None
        ),
        "is_long": preview.is_long,
        "pretty": pretty,
        "preview": preview.of(prompt) if prompt and run is None else [],
        "needs_message": prompt is None or preview.needs_message(prompt),
    }


async def _model_row(
    request: AnyRequest, tx: Transaction, who: As, model: str | None
) -> ModelRow | None:
    if not model:
        return None
    used = await models.models(tx, who.user_id)
    return listing.model_row(model, used, request.app.state.local, datetime.now(UTC))


async def _inspected(tx: Transaction, who: As, run: Run) -> dict[str, Any]:
    which = lists.TaskFilter(run_id=run.id)
    page = await lists.tasks(tx, who.user_id, which, None, REQUESTS_SHOWN)
    longest = max((task.total_time or 0 for task in page.items), default=0)
    head = run.head_message_id
    depth = (await tree.get(tx, who.user_id, run.id, head)).depth if head else -1
    return {"requests": page.items, "longest": longest or 1, "line_length": depth + 1}


def _with_text(shown: Conversation, who: As, engine: Engine) -> Conversation:
    """Add what has come of the answer that is being written, which the database has later."""
    if shown.open is None:
        return shown
    feed = engine.progress(who, shown.open.task_id)
    return msgspec.structs.replace(shown, text=feed.text) if feed else shown


def _default_model(request: AnyRequest) -> str | None:
    local = request.app.state.local
    return f"local/{local.model}" if local else None


routes = [new_chat, new_run, prompt_run, chat, go_to_run, thread, frame]

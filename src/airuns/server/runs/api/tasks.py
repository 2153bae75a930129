"""/api/tasks: requests to models, run by the server or by the caller."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, get, patch, post
from litestar.params import FromQuery, QueryParameter
from litestar.response import Response, Stream

from airuns.errors import Conflict, InvalidInput
from airuns.server.attachments import store as attachments
from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.expected import invalid
from airuns.server.given import (
    Cursor,
    GivenDatabase,
    GivenNews,
    GivenSettings,
    GivenUser,
    Limit,
    PathId,
)
from airuns.server.ids import new_id
from airuns.server.models import prices
from airuns.server.models import store as models
from airuns.server.models.call import Usage
from airuns.server.pages import Page, page_size
from airuns.server.runs import lists, sse, tasks, tree
from airuns.server.runs.api.execute import GivenEngine, answer
from airuns.server.runs.engine import Engine
from airuns.server.runs.lists import TaskFilter
from airuns.server.runs.records import LockedRun, Task, TaskEnd, TaskRow
from airuns.server.runs.rules import request_bytes, turn_of
from airuns.server.runs.submission import Submission
from airuns.server.text import check_text
from airuns.wire import Role

OFFSET_DIGITS = 12
MOST_USD = 10**12  # what a caller may say that a call has cost

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Tokens = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Status = Literal["pending", "streaming", "completed", "error", "timeout", "cancelled"]


class CreateTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record a model call that the caller makes itself.

    `request_data` is the whole request; its `messages`, if any, are put into the run's tree, where
    only what is new adds anything. Without them the request is the line to `request_message_id` or
    to the run's end.
    """

    run_id: UUID
    task_id: UUID | None = None
    service: Label = "chat"
    task_name: Label = "chat"
    provider: Label | None = None
    endpoint: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None
    request_message_id: UUID | None = None
    request_data: dict[str, Any] = {}


class UpdateTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a model call has come; what is left out stays.

    `response_text` is the whole text so far.
    """

    status: Literal["streaming"] = "streaming"
    response_text: str | None = None
    response_data: dict[str, Any] | None = None
    response_info: dict[str, Any] | None = None
    tool_updates: list[dict[str, Any]] | None = None
    response_metadata: dict[str, Any] | None = None
    time_to_first_token: Seconds | None = None


class CompleteTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model call ended. Without a `cost` it is computed from the tokens and the price table.

    `tokens_input` counts all input tokens, those read from or written to a cache included.
    """

    status: Literal["completed", "error", "timeout", "cancelled"] = "completed"
    response_text: str | None = None
    response_data: dict[str, Any] | None = None
    response_info: dict[str, Any] | None = None
    response_errors: dict[str, Any] | None = None
    tool_updates: list[dict[str, Any]] | None = None
    response_metadata: dict[str, Any] | None = None
    tokens_input: Tokens | None = None
    tokens_output: Tokens | None = None
    tokens_total: Tokens | None = None
    tokens_cache_read: Tokens | None = None
    tokens_cache_write_5m: Tokens | None = None
    tokens_cache_write_1h: Tokens | None = None
    tokens_reasoning: Tokens | None = None
    cost: Decimal | None = None
    time_to_first_token: Seconds | None = None
    total_time: Seconds | None = None


class _AnyMessage(msgspec.Struct, frozen=True):
    role: Role


class RetryTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further try of a task's request, by default as it was."""

    task_id: UUID | None = None
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None
    settings: dict[str, Any] = {}
    stream: bool = False


async def read(db: Database, engine: Engine, who: As, task_id: UUID) -> Task:
    """Return a task as it is now: of one that runs here, what has come. Raises NotFound."""
    async with db.transaction(who) as tx:
        task = await tasks.get(tx, who.user_id, task_id)
    feed = engine.progress(who, task_id)
    if feed is None or task.completed_at is not None:
        return task
    status = "streaming" if feed.length else "pending"
    return msgspec.structs.replace(task, response_text=feed.text, status=status)


@post("/api/tasks", tags=["tasks"])
async def create_task(
    data: CreateTask, who: GivenUser, db: GivenDatabase, engine: GivenEngine, news: GivenNews
) -> Task:
    """Record a model call that the caller makes itself; sending it again is safe."""
    check_text(data)
    task_id = data.task_id or new_id()
    await _create(db, who, task_id, data)
    news.run(who, data.run_id, "started")
    return await read(db, engine, who, task_id)


@retried
async def _create(db: Database, who: As, task_id: UUID, data: CreateTask) -> None:
    async with db.transaction(who) as tx:
        run = await tree.lock(tx, who.user_id, data.run_id)
        task = await tasks.find(tx, who.user_id, task_id)
        if task is None:
            new = await _new_task(tx, who, run, task_id, data)
            await tasks.create(tx, who.user_id, new)
        elif task.run_id != data.run_id:
            raise Conflict(f"Another run has the task {task_id}.", field="task_id")


async def _new_task(
    tx: Transaction, who: As, run: LockedRun, task_id: UUID, data: CreateTask
) -> tasks.NewTask:
    user_id = who.user_id
    message_id = data.request_message_id or run.head_message_id
    request_data = data.request_data
    messages = _messages(request_data)
    if messages:
        named = await attachments.named(
            tx, user_id, messages, data.run_id, "request_data.messages[{}].".format
        )
        await attachments.claim(tx, user_id, data.run_id, named)
        node = await tree.append_line(
            tx, user_id, data.run_id, [turn_of(message) for message in named.messages]
        )
        assert node is not None
        message_id = node.id
        request_data = {**request_data, "messages": None}
        await tree.set_head(tx, user_id, data.run_id, message_id)
        turns = await tree.turns(tx, user_id, data.run_id, message_id)
        messages = [turn.message for turn in turns]  # as they are kept: the hash is over those
    elif "messages" in request_data:
        message_id = None
    elif data.request_message_id is not None:
        await tree.get(tx, user_id, data.run_id, data.request_message_id)
    model_id = None
    if data.provider and data.model:
        model_id = await models.model_id(tx, user_id, data.provider, data.model)
    return tasks.NewTask(
        task_id=task_id,
        run_id=data.run_id,
        request_message_id=message_id,
        service=data.service,
        task_name=data.task_name,
        provider=data.provider,
        endpoint=data.endpoint,
        model=data.model,
        model_id=model_id,
        request_data=request_data,
        request_hash=tasks.request_hash(request_bytes(request_data, messages)),
        key_id=who.key_id,
    )


def _messages(request_data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a caller's request, which may have fields that we do not know."""
    messages: Any = request_data.get("messages") or []
    try:
        known = msgspec.convert(messages, list[_AnyMessage])
    except msgspec.ValidationError as error:
        raise invalid(error, list[_AnyMessage], "request_data.messages") from None
    return messages if known else []


@get("/api/tasks", tags=["tasks"])
async def list_tasks(
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    run_id: FromQuery[UUID | None] = None,
    prompt_id: FromQuery[UUID | None] = None,
    status: FromQuery[Status | None] = None,
    model: FromQuery[str | None] = None,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[TaskRow]:
    """List tasks, newest first."""
    which = TaskFilter(run_id=run_id, prompt_id=prompt_id, status=status, model=model)
    check_text(which)
    size = page_size(limit, 50, settings.max_page)
    async with db.transaction(who) as tx:
        return await lists.tasks(tx, who.user_id, which, cursor, size)


@get("/api/tasks/{task_id:str}", tags=["tasks"])
async def get_task(task_id: PathId, who: GivenUser, db: GivenDatabase, engine: GivenEngine) -> Task:
    """Return a task; of a running one, what has come until now."""
    return await read(db, engine, who, task_id)


@get("/api/tasks/{task_id:str}/request", tags=["tasks"])
async def get_request(task_id: PathId, who: GivenUser, db: GivenDatabase) -> Response[bytes]:
    """Return the whole request of a task, rebuilt to the byte.

    The header Airuns-Request-Sha256 is the hash that was kept when it was sent.
    """
    async with db.transaction(who) as tx:
        task = await tasks.get(tx, who.user_id, task_id)
        request = await tasks.rebuild_request(tx, who.user_id, task)
    headers = {"Airuns-Request-Sha256": task.request_hash or ""}
    return Response(request, media_type="application/json", headers=headers)


@patch("/api/tasks/{task_id:str}", tags=["tasks"])
async def update_task(
    task_id: PathId, data: UpdateTask, who: GivenUser, db: GivenDatabase, engine: GivenEngine
) -> Task:
    """Say how far a model call of one's own has come."""
    check_text(data)
    values = msgspec.structs.asdict(data)
    del values["status"]
    async with db.transaction(who) as tx:
        await _refuse_ours(tx, who.user_id, task_id)
        await tasks.progress(tx, who.user_id, task_id, tasks.TaskProgress(**values))
    return await read(db, engine, who, task_id)


@post("/api/tasks/{task_id:str}/complete", status_code=200, tags=["tasks"])
async def complete_task(
    task_id: PathId,
    data: CompleteTask,
    who: GivenUser,
    db: GivenDatabase,
    engine: GivenEngine,
    news: GivenNews,
) -> Task:
    """Say how a model call of one's own ended; its answer becomes a message of the run."""
    check_text(data)
    _check_parts(data)
    await _complete(db, who, task_id, data)
    task = await read(db, engine, who, task_id)
    news.run(who, task.run_id, "ended")
    return task


@retried
async def _complete(db: Database, who: As, task_id: UUID, data: CompleteTask) -> None:
    async with db.transaction(who) as tx:
        task = await _refuse_ours(tx, who.user_id, task_id)
        if not await tasks.end(tx, who.user_id, task_id, await _ending(tx, who, task, data)):
            raise Conflict(f"The task has ended as {task.status}.")


async def _refuse_ours(tx: Transaction, user_id: UUID, task_id: UUID) -> Task:
    task = await tasks.get(tx, user_id, task_id)
    if task.process_id is not None:
        raise Conflict("The server runs this task itself; it can be cancelled but not changed.")
    return task


def _check_parts(data: CompleteTask) -> None:
    """Raise InvalidInput when tokens that are part of others are more than those."""
    cached = (data.tokens_cache_read, data.tokens_cache_write_5m, data.tokens_cache_write_1h)
    if sum(tokens or 0 for tokens in cached) > (data.tokens_input or 0):
        raise InvalidInput(
            "tokens_input counts all input tokens, so tokens_cache_* cannot be more than it.",
            field="tokens_input",
        )
    if (data.tokens_reasoning or 0) > (data.tokens_output or 0):
        raise InvalidInput(
            "tokens_output counts reasoning too, so tokens_reasoning cannot be more than it.",
            field="tokens_output",
        )
    if data.cost is not None and not (data.cost.is_finite() and 0 <= data.cost <= MOST_USD):
        raise InvalidInput(f"cost must be a number of USD from 0 to {MOST_USD:,}.", field="cost")


async def _ending(tx: Transaction, who: As, task: Task, data: CompleteTask) -> TaskEnd:
    values = msgspec.structs.asdict(data)
    usage = Usage(
        input=data.tokens_input,
        output=data.tokens_output,
        cache_read=data.tokens_cache_read,
        cache_write_5m=data.tokens_cache_write_5m,
        cache_write_1h=data.tokens_cache_write_1h,
        reasoning=data.tokens_reasoning,
    )
    values["tokens_total"] = data.tokens_total if data.tokens_total is not None else usage.total
    if data.response_text is None:
        values["response_text"] = task.response_text
    if data.cost is not None:
        values["price"] = {"source": "caller"}
    elif task.provider and task.model:
        own = await models.own_price(tx, who.user_id, task.provider, task.model)
        cost = prices.cost_of(usage, task.provider, task.model, own, datetime.now(UTC))
        values["cost"], values["price"] = (cost.usd, cost.price) if cost else (None, None)
    return TaskEnd(**values)


@get("/api/tasks/{task_id:str}/events", tags=["tasks"])
async def task_events(
    task_id: PathId,
    who: GivenUser,
    engine: GivenEngine,
    request: Request[Any, Any, Any],
    offset: Annotated[int, QueryParameter(ge=0, lt=10**OFFSET_DIGITS)] = 0,
) -> Stream:
    """Follow a task's events, from the start or from where one left off.

    `offset`, or the header Last-Event-ID that a browser sends by itself, is the number of
    characters one has; the rest follows exactly.
    """
    last = request.headers.get("last-event-id", "")
    if last:
        if not (last.isascii() and last.isdigit() and len(last) <= OFFSET_DIGITS):
            raise InvalidInput(
                "Last-Event-ID must be the id of an event of this task, a number.",
                field="Last-Event-ID",
            )
        offset = int(last)
    return sse.stream((await engine.join(who, task_id, offset)).events)


@post("/api/tasks/{task_id:str}/cancel", status_code=200, tags=["tasks"])
async def cancel_task(
    task_id: PathId, who: GivenUser, engine: GivenEngine
) -> Response[dict[str, Any]]:
    """Stop a task and return its result; what came is kept, the provider is let go."""
    return Response(await engine.cancel(who, task_id))


@post("/api/tasks/{task_id:str}/retry", status_code=200, tags=["tasks"])
async def retry_task(
    task_id: PathId, who: GivenUser, engine: GivenEngine, data: RetryTask | None = None
) -> Response[dict[str, Any]] | Stream:
    """Send a task's request again as a new task; its answer becomes a sibling of the first."""
    data = data or RetryTask()
    check_text(data)
    asked = Submission(task_id=data.task_id or new_id(), model=data.model, settings=data.settings)
    return await answer(await engine.retry(who, task_id, asked), data.stream)


routes = [
    create_task,
    list_tasks,
    get_task,
    get_request,
    update_task,
    complete_task,
    task_events,
    cancel_task,
    retry_task,
]

"""What somebody wants run, and its way into the tree: the run, the new messages, and the task."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from airuns.errors import Conflict, InvalidInput, NotFound
from airuns.server.attachments import store as attachments
from airuns.server.budgets import store as budgets
from airuns.server.db.door import As, Transaction
from airuns.server.models import catalog
from airuns.server.models import store as models
from airuns.server.models.call import Call, Endpoint
from airuns.server.models.prices import OwnPrice
from airuns.server.prompts import store as prompts
from airuns.server.prompts.rules import render
from airuns.server.prompts.store import Prompt
from airuns.server.runs import store, tasks, tree
from airuns.server.runs.records import LockedRun, Node, Task
from airuns.server.runs.rules import Turn, request_bytes, run_name, turn_of
from airuns.wire import SourceType

NOT_FOR_MODELS = ("model", "messages", "stream")


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A request to run something.

    Without `run_id` a run begins, with the prompt's messages and then `messages`; with it, the run
    goes on with `messages` below `parent_id` (unset: its current end; None: its root).
    """

    task_id: UUID
    run_id: UUID | None = None
    parent_id: UUID | None | UnsetType = UNSET
    prompt_id: UUID | None = None
    prompt_version: int | None = None
    messages: list[dict[str, Any]] = []
    variables: dict[str, Any] | None = None
    broker_values: dict[str, Any] = {}
    model: str | None = None
    settings: dict[str, Any] = {}
    source_type: SourceType | None = None
    source_id: str | None = None
    name: str | None = None
    tags: list[str] = []
    metadata: dict[str, Any] = {}


class Reach(msgspec.Struct, frozen=True):
    """Which models can be called: the endpoints, and the model to take when none is named."""

    endpoints: list[Endpoint]
    default_model: str | None


class Ready(msgspec.Struct, frozen=True):
    """A stored task, ready to be called."""

    run_id: UUID | None
    task_id: UUID
    call: Call
    own_price: OwnPrice | None


async def place(
    tx: Transaction, who: As, asked: Submission, reach: Reach, process_id: UUID
) -> Ready:
    """Store a submission: its run if it is new, its messages and its task.

    Raises NotFound (run, prompt, parent), InvalidInput (model, variables, messages), Conflict, or
    BudgetSpent, before anything is stored.
    """
    user_id = who.user_id
    run = await tree.lock(tx, user_id, asked.run_id) if asked.run_id else None
    await budgets.check(tx, who, run.prompt_id if run else asked.prompt_id)
    prompt = await _prompt(tx, user_id, asked, run)
    named = await attachments.named(tx, user_id, asked.messages, asked.run_id)
    asked = msgspec.structs.replace(asked, messages=named.messages)
    turns = [turn_of(message) for message in _new_messages(asked, prompt, run)]
    settings = _settings(asked, prompt, run, reach)
    call = _call(settings, reach)
    model_id, own_price = await models.use(tx, user_id, call.endpoint.name, call.model)
    parent = await _parent(tx, user_id, run, asked.parent_id) if run else None
    past = await tree.turns(tx, user_id, run.id, parent.id) if run and parent else []
    call = _saying(call, [*past, *turns])
    async with tx.batch():
        if run is None:
            run_id = await store.create(tx, user_id, _new_run(asked, prompt, turns, settings))
        else:
            run_id = run.id
            await store.set_settings(tx, user_id, run_id, settings)
        await attachments.claim(tx, user_id, run_id, named)
        nodes = await tree.append(tx, user_id, run_id, parent, turns)
        await tree.set_head(tx, user_id, run_id, nodes[-1].id)
        new = _new_task(asked.task_id, run_id, nodes[-1].id, settings, call, model_id)
        await tasks.create(tx, user_id, _by(new, who, process_id))
    return Ready(run_id, asked.task_id, await _sent(tx, user_id, call), own_price)


async def place_again(
    tx: Transaction, who: As, task: Task, asked: Submission, reach: Reach, process_id: UUID
) -> Ready:
    """Store a further try of a task's request: the same node, so its answer becomes a sibling.

    Raises Conflict when the task still runs, or was not a request that the server can make.
    """
    user_id = who.user_id
    if task.completed_at is None:
        raise Conflict("The task still runs: cancel it first, or wait for its end.")
    node_id = task.request_message_id
    if node_id is None:
        raise Conflict("The task has no messages to send again.")
    run = await tree.lock(tx, user_id, task.run_id)
    await budgets.check(tx, who, run.prompt_id)
    settings = {**_without(task.request_data, "messages"), **asked.settings}
    settings["model"] = _named(asked.model or settings.get("model") or task.model)
    call = _call(settings, reach)
    model_id, own_price = await models.use(tx, user_id, call.endpoint.name, call.model)
    call = _saying(call, await tree.turns(tx, user_id, task.run_id, node_id))
    new = _new_task(asked.task_id, task.run_id, node_id, settings, call, model_id)
    async with tx.batch():
        if asked.model:
            settings_now = {**run.settings, "model": settings["model"]}
            await store.set_settings(tx, user_id, task.run_id, settings_now)
        await tree.set_head(tx, user_id, task.run_id, node_id)
        await tasks.create(tx, user_id, _by(new, who, process_id))
    return Ready(task.run_id, asked.task_id, await _sent(tx, user_id, call), own_price)


async def untracked(tx: Transaction, who: As, asked: Submission, reach: Reach) -> Ready:
    """Prepare a submission that leaves no trace. Raises as `place` does."""
    user_id = who.user_id
    if asked.run_id:
        raise InvalidInput("An untracked call has no run: leave run_id out.", field="run_id")
    await budgets.check(tx, who, asked.prompt_id)
    prompt = await _prompt(tx, user_id, asked, None)
    turns = [turn_of(message) for message in _new_messages(asked, prompt, None)]
    call = _saying(_call(_settings(asked, prompt, None, reach), reach), turns)
    own_price = await models.own_price(tx, user_id, call.endpoint.name, call.model)
    return Ready(None, asked.task_id, await _sent(tx, user_id, call), own_price)


def _new_task(
    task_id: UUID,
    run_id: UUID,
    message_id: UUID,
    settings: dict[str, Any],
    call: Call,
    model_id: UUID,
) -> tasks.NewTask:
    request_data = {"model": settings["model"], "messages": None, **call.settings}
    return tasks.NewTask(
        task_id=task_id,
        run_id=run_id,
        request_message_id=message_id,
        provider=call.endpoint.name,
        endpoint=call.endpoint.base_url,
        model=call.model,
        model_id=model_id,
        request_data=request_data,
        request_hash=tasks.request_hash(request_bytes(request_data, call.messages)),
    )


def _by(new: tasks.NewTask, who: As, process_id: UUID) -> tasks.NewTask:
    """Say who runs a task: the process, and the API key that asked."""
    return msgspec.structs.replace(new, process_id=process_id, key_id=who.key_id)


async def _prompt(
    tx: Transaction, user_id: UUID, asked: Submission, run: LockedRun | None
) -> Prompt | None:
    if run is not None:
        if asked.prompt_id not in (None, run.prompt_id):
            raise Conflict(
                f"Run {run.id} does not belong to prompt {asked.prompt_id}: leave prompt_id out."
            )
        return None
    if asked.prompt_id is None:
        return None
    prompt = await prompts.hold(tx, user_id, asked.prompt_id, asked.prompt_version)
    if prompt is None:
        await prompts.get(tx, user_id, asked.prompt_id, asked.prompt_version)
        raise NotFound(f"There is no prompt {asked.prompt_id}.", field="prompt_id")
    return prompt


def _new_messages(
    asked: Submission, prompt: Prompt | None, run: LockedRun | None
) -> list[dict[str, Any]]:
    messages = asked.messages
    if run is not None:
        if {**run.variable_values, **(asked.variables or {})} != run.variable_values:
            raise InvalidInput(
                "The run has begun, so its variables cannot change: leave them out, or begin a "
                "new run.",
                field="variables",
            )
    elif prompt is not None:
        messages = [
            *render(prompt.messages, prompt.variables, asked.variables or {}),
            *messages,
        ]
    elif asked.variables is not None:
        messages = render(messages, [], asked.variables)
    if not messages:
        raise InvalidInput(
            "messages must hold at least one message, such as "
            '[{"role": "user", "content": "Hello"}].',
            field="messages",
        )
    return messages


def _settings(
    asked: Submission, prompt: Prompt | None, run: LockedRun | None, reach: Reach
) -> dict[str, Any]:
    """The nearest wins: the request, the run as last used, the prompt, the server's default.

    A setting of null takes away what the others say.
    """
    base = run.settings if run else prompt.settings if prompt else {}
    settings = _without_nulls({**base, **asked.settings})
    model = _named(asked.model or settings.get("model") or reach.default_model)
    return {**_without(settings, *NOT_FOR_MODELS), "model": model}


def _named(model: Any) -> str:
    if not isinstance(model, str):
        raise InvalidInput(
            "model is missing: name one that GET /api/models lists, such as openai/gpt-4o-mini.",
            field="model",
        )
    return model


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _call(settings: dict[str, Any], reach: Reach) -> Call:
    endpoint, model = catalog.resolve(settings["model"], reach.endpoints)
    return Call(
        endpoint=endpoint,
        model=model,
        messages=[],
        settings=_without(settings, *NOT_FOR_MODELS),
    )


def _saying(call: Call, turns: list[Turn]) -> Call:
    return msgspec.structs.replace(call, messages=[turn.message for turn in turns])


async def _sent(tx: Transaction, user_id: UUID, call: Call) -> Call:
    """Return a call with the contents of the attachments that its messages name."""
    messages = await attachments.expanded(tx, user_id, call.messages)
    return msgspec.structs.replace(call, messages=messages)


def _new_run(
    asked: Submission, prompt: Prompt | None, turns: list[Turn], settings: dict[str, Any]
) -> store.NewRun:
    source_type = asked.source_type or ("prompt" if prompt else "chat")
    if (source_type == "prompt") != (prompt is not None):
        raise InvalidInput(
            "source_type must be prompt when there is a prompt_id, and only then.",
            field="source_type",
        )
    values = asked.variables or {}
    if prompt is not None:
        defaults = {
            each.name: each.default for each in prompt.variables if each.default is not None
        }
        values = {**defaults, **values}
    return store.NewRun(
        source_type=source_type,
        source_id=str(prompt.id) if prompt else asked.source_id,
        prompt_version=prompt.version if prompt else None,
        name=asked.name or run_name(turns, prompt.name if prompt else None, datetime.now(UTC)),
        tags=asked.tags,
        settings=settings,
        variable_values=values,
        broker_values=asked.broker_values,
        metadata=asked.metadata,
    )


async def _parent(
    tx: Transaction, user_id: UUID, run: LockedRun, parent_id: UUID | None | UnsetType
) -> Node | None:
    """Where the new messages go.

    Two who answer to the same message at once both branch from it: while the current end is a
    question that is being answered, a second one goes beside it and not below.
    """
    if isinstance(parent_id, UUID):
        return (await tree.get(tx, user_id, run.id, parent_id, field="parent_id")).node
    if parent_id is None or run.head_message_id is None:
        return None
    head = await tree.get(tx, user_id, run.id, run.head_message_id)
    if head.role == "user" and await tasks.is_running_at(tx, user_id, run.id, head.id):
        above = head.parent_id
        return (await tree.get(tx, user_id, run.id, above)).node if above else None
    return head.node

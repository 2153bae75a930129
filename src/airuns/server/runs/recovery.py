"""After a crash: what dead processes left is found, saved and said to be interrupted."""

import logging
from datetime import UTC, datetime
from uuid import UUID

from airuns.server.db.door import As, Database, Transaction, retried
from airuns.server.models import prices
from airuns.server.models import store as models
from airuns.server.models.estimate import estimate
from airuns.server.runs import journal, tasks, tree
from airuns.server.runs.execution import INTERRUPTED
from airuns.server.runs.records import Task, TaskEnd
from airuns.server.settings import Settings

log = logging.getLogger(__name__)


async def recover(db: Database, settings: Settings, process_id: UUID, *, by_silence: bool) -> None:
    """End the tasks of dead processes as interrupted, with all that was shown.

    A process on this data folder is dead when its journal's lock is free, and only then; one
    elsewhere when it has been silent for AIRUNS_LEASE seconds, which counts only `by_silence`.
    """
    left, alive = journal.left_behind(settings.data_dir)
    texts = {key: text for each in left for key, text in each.texts.items()}
    dead = [each.process_id for each in left]
    lease = settings.lease if by_silence else None
    for orphan in await tasks.orphaned(db, process_id, dead, alive, lease):
        shown = texts.get((orphan.user_id, orphan.task_id), "")
        await interrupt(db, orphan, shown)
    for each in left:
        journal.forget(each)


@retried
async def interrupt(db: Database, key: tasks.TaskKey, shown: str) -> None:
    """End a task as interrupted, with the longer of what is saved and what was shown."""
    async with db.transaction(As(key.user_id)) as tx:
        task = await tasks.find(tx, key.user_id, key.task_id)
        if task is None:  # its run was purged meanwhile
            return
        text = max(task.response_text, shown, key=len)
        await tasks.end(tx, key.user_id, key.task_id, await _ending(tx, key.user_id, task, text))
        log.warning("Task %s was interrupted; %d characters are kept", key.task_id, len(text))


async def _ending(tx: Transaction, user_id: UUID, task: Task, text: str) -> TaskEnd:
    if not text or not task.request_message_id or not task.provider or not task.model:
        return TaskEnd(status="error", response_text=text, response_errors=INTERRUPTED)
    turns = await tree.turns(tx, user_id, task.run_id, task.request_message_id)
    usage = estimate([turn.message for turn in turns], text)
    own = await models.own_price(tx, user_id, task.provider, task.model)
    cost = prices.cost_of(usage, task.provider, task.model, own, datetime.now(UTC))
    return TaskEnd(
        status="error",
        response_text=text,
        response_errors=INTERRUPTED,
        tokens_input=usage.input,
        tokens_output=usage.output,
        tokens_total=usage.total,
        usage_estimated=True,
        cost=cost.usd if cost else None,
        price=cost.price if cost else None,
    )

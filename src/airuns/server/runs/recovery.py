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


async def recover(db: Database, settings: Settings, process_id: UUID) -> int:
    """End the tasks of dead processes as interrupted, with all that was shown; return how many."""
    left = journal.left_behind(settings.data_dir)
    texts = {key: text for each in left for key, text in each.texts.items()}
    dead = [each.process_id for each in left]
    count = 0
    while orphans := await tasks.orphaned(db, process_id, dead, settings.lease):
        for orphan in orphans:
            shown = texts.get((orphan.user_id, orphan.task_id), "")
            await _interrupt(db, As(orphan.user_id), orphan.task_id, shown)
        count += len(orphans)
    for each in left:
        journal.forget(each)
    if count:
        log.warning("%d answers were interrupted by the end of their server; kept what came", count)
    return count


@retried
async def _interrupt(db: Database, who: As, task_id: UUID, shown: str) -> None:
    async with db.transaction(who) as tx:
        task = await tasks.get(tx, who.user_id, task_id)
        text = max(task.response_text, shown, key=len)
        await tasks.end(tx, who.user_id, task_id, await _ending(tx, who.user_id, task, text))


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

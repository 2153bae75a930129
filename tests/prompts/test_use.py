"""How the prompts of a page are used."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airuns.server.db.door import Database, Transaction
from airuns.server.prompts import lists
from airuns.server.prompts.lists import PromptUse
from tests.people import ALICE, CHARLIE
from tests.sql.rows import add

NOW = datetime.now(UTC).replace(microsecond=0)
UNUSED = {"runs": 0, "tasks_30d": 0, "succeeded_30d": 0, "cost_30d": Decimal(0)}


async def add_prompt(tx: Transaction) -> UUID:
    prompt_id = await add(tx, "prompts", ALICE.user_id)
    await add(tx, "prompt_versions", ALICE.user_id, prompt_id=prompt_id)
    return prompt_id


async def add_run(tx: Transaction, prompt_id: UUID, days: int, **more: Any) -> UUID:
    """Add a run of a prompt that was last active some days ago."""
    at = NOW - timedelta(days=days)
    prompt: dict[str, Any] = {"source_type": "prompt", "source_id": str(prompt_id)}
    return await add(tx, "ai_runs", ALICE.user_id, **prompt, last_message_at=at, **more)


async def add_task(tx: Transaction, run_id: UUID, days: int, **more: Any) -> None:
    at = NOW - timedelta(days=days)
    await add(tx, "ai_tasks", ALICE.user_id, run_id=run_id, created_at=at, **more)


async def test_the_use_of_a_prompt_is_counted(db: Database) -> None:
    async with db.transaction(ALICE.who) as tx:
        prompt, unused = [await add_prompt(tx) for _ in range(2)]
        latest = await add_run(tx, prompt, 1)
        await add_task(tx, latest, 1, status="completed", cost="0.5")
        await add_task(tx, latest, 1, status="error")
        old = await add_run(tx, prompt, 40)
        await add_task(tx, old, 40, status="completed", cost="7")
        gone = await add_run(tx, prompt, 0, deleted_at=NOW)
        await add_task(tx, gone, 2, status="completed", cost="0.25")
        other = await add(tx, "ai_runs", ALICE.user_id)
        await add_task(tx, other, 0, status="completed", cost="100")
        use = await lists.use_of(tx, ALICE.user_id, [prompt, unused])
    assert use == {
        prompt: PromptUse(
            prompt_id=prompt,
            runs=2,
            tasks_30d=3,
            succeeded_30d=2,
            cost_30d=Decimal("0.75"),
            last_run_at=NOW - timedelta(days=1),
            last_status="error",
        ),
        unused: PromptUse(prompt_id=unused, last_run_at=None, last_status=None, **UNUSED),
    }


async def test_a_cost_that_nobody_knows_is_unknown(db: Database) -> None:
    async with db.transaction(ALICE.who) as tx:
        prompt = await add_prompt(tx)
        await add_task(tx, await add_run(tx, prompt, 0), 0, status="completed")
        use = await lists.use_of(tx, ALICE.user_id, [prompt])
    assert use[prompt].cost_30d is None


@pytest.mark.parametrize("person", [ALICE, CHARLIE])
async def test_a_strangers_use_counts_nothing_of_hers(db: Database, person: Any) -> None:
    async with db.transaction(ALICE.who) as tx:
        prompt = await add_prompt(tx)
        await add_task(tx, await add_run(tx, prompt, 0), 0, status="completed", cost=1)
    async with db.transaction(person.who) as tx:
        use = await lists.use_of(tx, person.user_id, [prompt])
    assert use[prompt].runs == use[prompt].tasks_30d == (1 if person is ALICE else 0)

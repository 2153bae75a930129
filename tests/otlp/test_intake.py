"""What several processes, or one after a restart, make of spans that come in pieces."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from airuns.errors import Unavailable
from airuns.events import AnyEvent, Outcome
from airuns.server.db.door import As, Database
from airuns.server.otlp.taking import Intake
from airuns.server.recorder.store import Entry, record
from tests.otlp.told import called, span
from tests.people import ALICE


class Recorder:
    """The recorder without its waiting: each batch is a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, who: As, events: Sequence[AnyEvent]) -> Outcome:
        async with self._db.transaction(who) as tx:
            await record(tx, who.user_id, [Entry(event, None) for event in events])
        return Outcome(stored=len(events), waiting=0, refused=[])


class Away:
    """A recorder whose database is away."""

    async def take(self, who: As, events: Sequence[AnyEvent]) -> Outcome:
        raise Unavailable("The database is away for the moment; try again.")


@pytest.mark.parametrize("by", ["id", "name"])
async def test_another_process_knows_which_task_asked_for_a_tool(db: Database, by: str) -> None:
    place: dict[str, Any] = {"trace_id": os.urandom(16), "parent_id": os.urandom(8)}
    session = {"gen_ai.conversation.id": uuid4().hex}
    call = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {}}
    answer = [{"role": "assistant", "parts": [call]}]
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}]
    model = span(
        attributes=called(
            **{"gen_ai.input.messages": asked, "gen_ai.output.messages": answer, **session}
        ),
        **place,
    )
    used = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", **session}
    if by == "id":
        used["gen_ai.tool.call.id"] = "call-1"
    tool = span(attributes={**used, "gen_ai.tool.call.result": "sunny"}, **place)

    for spans in ([model], [tool], [tool]):
        taken = await Intake(db, Recorder(db)).take(ALICE.who, spans)
        assert (taken.rejected, taken.message) == (0, "")

    async with db.transaction(ALICE.who) as tx:
        updates = await tx.value(
            "select tool_updates from airuns.ai_tasks where user_id = %(user_id)s and"
            " task_id = %(task_id)s",
            user_id=ALICE.user_id,
            task_id=model.task_id,
        )
    assert [each["result"] for each in updates] == ["sunny"], "once, though it came twice"


async def test_nothing_is_taken_while_the_database_is_away(db: Database) -> None:
    intake = Intake(db, Away())
    with pytest.raises(Unavailable):
        await intake.take(ALICE.who, [span(attributes=called())])
    assert {metric.value for metric in intake.metrics()} == {0}, "they are counted when they stay"

"""In whatever order, batches and repetitions events come: one tree, and sums equal to its tasks."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.events import TaskEvent
from airuns.server.db.door import Database
from airuns.server.recorder.store import Entry, record
from airuns.wire import Message
from tests.people import ALICE

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
STATUSES = st.sampled_from(("completed", "completed", "error", "timeout", "cancelled", "pending"))
TURN = st.tuples(STATUSES, st.none() | st.integers(0, 1000), st.booleans())

WRONG = """
    select r.id from airuns.ai_runs as r
    cross join lateral (
        select count(*) as messages, max(created_at) as latest
        from airuns.ai_messages where user_id = r.user_id and run_id = r.id
    ) as m
    cross join lateral (
        select count(*) as tasks, count(completed_at) as ended, count(tokens_total) as counted,
            count(cost) as priced, sum(tokens_total) as tokens, sum(cost) as spent
        from airuns.ai_tasks where user_id = r.user_id and run_id = r.id
    ) as t
    where r.message_count <> m.messages or r.task_count <> t.tasks
        or r.ended_task_count <> t.ended or r.counted_task_count <> t.counted
        or r.priced_task_count <> t.priced or r.last_message_at <> m.latest
        or r.total_tokens is distinct from
            case when t.counted > 0 or t.ended = 0 then coalesce(t.tokens, 0) end
        or r.total_cost is distinct from
            case when t.priced > 0 or t.ended = 0 then coalesce(t.spent, 0) end
"""
USED = """
    select coalesce(sum(runs), 0), coalesce(sum(tasks), 0),
        coalesce(sum(tokens_total), 0), coalesce(sum(cost), 0)
    from airuns.usage_changes where tag = ''
"""
SPENT = """
    select (select count(*) from airuns.ai_runs), count(completed_at),
        coalesce(sum(tokens_total) filter (where completed_at is not null), 0),
        coalesce(sum(cost) filter (where completed_at is not null), 0)
    from airuns.ai_tasks
"""


def conversation(turns: list[tuple[str, int | None, bool]]) -> list[TaskEvent]:
    """Return the tasks of a conversation, each with all that was said before."""
    run_id, messages, events = uuid4(), list[Message](), list[TaskEvent]()
    for at, (status, tokens, bit_by_bit) in enumerate(turns):
        messages.append(Message(role="user", content=f"Question {at}"))
        answer = f"Answer {at}" if status != "timeout" else None
        event = TaskEvent(
            id=uuid4(),
            at=BEGAN + timedelta(minutes=at),
            run_id=run_id,
            status=status,  # pyright: ignore[reportArgumentType]
            messages=list(messages),
            provider="openai",
            model="gpt-4o",
            response_text=answer,
            tokens_input=tokens,
            tokens_output=tokens,
            total_time=1.0,
        )
        begun = TaskEvent(id=event.id, run_id=run_id, status="pending", messages=list(messages))
        events += [begun, event] if bit_by_bit else [event]
        if answer and status != "pending":
            messages.append(Message(role="assistant", content=answer))
    return events


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    talks=st.lists(st.lists(TURN, min_size=1, max_size=5), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_sums_are_those_of_the_tasks(own_database_url: str, talks: Any, seed: int) -> None:
    rng = random.Random(seed)
    told = [conversation(turns) for turns in talks]
    events = [event for talk in told for event in talk]
    rng.shuffle(events)
    events += rng.sample(events, len(events) // 3)
    batches = [events[at : at + 3] for at in range(0, len(events), 3)]

    async def tell() -> None:
        db = Database(own_database_url, 1)
        await db.open()
        try:
            for batch in batches:
                async with db.transaction(ALICE.who) as tx:
                    stored = await record(tx, ALICE.user_id, [Entry(each, None) for each in batch])
                    assert not stored.refused
        finally:
            await db.close()

    asyncio.run(tell())
    with psycopg.connect(own_database_url) as connection:
        connection.execute("alter table airuns.ai_runs no force row level security")
        connection.execute("alter table airuns.ai_messages no force row level security")
        connection.execute("alter table airuns.ai_tasks no force row level security")
        connection.execute("alter table airuns.usage_changes no force row level security")
        assert connection.execute(WRONG).fetchall() == []
        assert connection.execute(USED).fetchone() == connection.execute(SPENT).fetchone()
        for talk in told:
            assert _tree(connection, talk[0].run_id) == _expected(talk)


def _tree(connection: psycopg.Connection[Any], run_id: UUID | None) -> set[tuple[str, ...]]:
    """Return every line of a run from its root, as what it says."""
    rows = connection.execute(
        "select id, parent_id, content from airuns.ai_messages where run_id = %s", [run_id]
    ).fetchall()
    above = {id_: (parent, text) for id_, parent, text in rows}

    def line(id_: UUID | None) -> tuple[str, ...]:
        return (*line(above[id_][0]), above[id_][1]) if id_ else ()

    lines = [line(id_) for id_ in above]
    assert len(lines) == len(set(lines)), "a message is there twice"
    return set(lines)


def _expected(talk: list[TaskEvent]) -> set[tuple[str, ...]]:
    lines: set[tuple[str, ...]] = set()
    for event in talk:
        texts = tuple(str(message.content) for message in event.messages or [])
        lines |= {texts[: n + 1] for n in range(len(texts))}
        if event.status != "pending" and event.response_text:
            lines.add((*texts, event.response_text))
    return lines

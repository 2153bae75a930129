"""What an import adds is counted and waits to be indexed, once: new runs, grown ones, archives."""

import asyncio
import json
from typing import Any

import psycopg

from airuns.server.db.door import Database
from tests.exports.foreign import conversation, node, root
from tests.exports.taking import brought, taken
from tests.people import ALICE, BOB
from tests.recorder.test_counts import SPENT, USED, WRONG

WAITING = "select user_id, run_id, message_id from airuns.search_queue order by 1, 2, 3"
TEXTS = """
    select user_id, id as run_id, null::uuid as message_id from airuns.ai_runs
    union all
    select user_id, run_id, id from airuns.ai_messages where content <> ''
    order by 1, 2, 3
"""
TABLES = ("ai_runs", "ai_messages", "ai_tasks", "usage_changes", "search_queue")


def talk(turns: int) -> dict[str, Any]:
    """A conversation of ChatGPT, each question with two answers."""
    nodes, above = [root()], "root"
    for at in range(turns):
        nodes.append(node(f"q{at}", above, words=f"Question {at}"))
        nodes += [node(f"{each}{at}", f"q{at}", "assistant", f"Answer {each}") for each in "ab"]
        above = f"b{at}"
    return conversation(*nodes)


def test_sums_are_those_of_what_came(own_database_url: str) -> None:
    long, short = talk(300), talk(2)  # more rows than come at once, and a few
    less = conversation(*list(short["mapping"].values())[:4], conversation_id=short["id"])

    async def come() -> None:
        db = Database(own_database_url, 1)
        await db.open()
        try:
            first = await brought(db, ALICE.who, json.dumps([long, less]).encode())
            assert first.added == {"run": 2, "message": 903, "task": 602}, first.reasons
            second = await brought(db, ALICE.who, json.dumps([long, short]).encode())
            assert (second.added, second.grown) == ({"message": 3, "task": 2}, {"run": 1})
            async with db.transaction(ALICE.who) as tx:
                rows = await tx.rows("select id from airuns.ai_runs")
            archive = await taken(db, ALICE.who, [row["id"] for row in rows])
            third = await brought(db, BOB.who, archive)
            added = {kind: third.added[kind] for kind in ("run", "message", "task")}
            assert added == {"run": 2, "message": 906, "task": 604}, third.reasons
        finally:
            await db.close()

    asyncio.run(come())
    with psycopg.connect(own_database_url) as connection:
        for table in TABLES:
            connection.execute(f"alter table airuns.{table} no force row level security".encode())
        assert connection.execute(WRONG).fetchall() == []
        assert connection.execute(USED).fetchone() == connection.execute(SPENT).fetchone()
        waiting = connection.execute(WAITING).fetchall()
        assert waiting == connection.execute(TEXTS).fetchall()
        [unasked] = connection.execute(
            "select count(*) from airuns.ai_tasks where request_message_id is null"
        ).fetchall()
        assert unasked == (0,)

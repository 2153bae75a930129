"""Many at once: each answer whole, every sum right."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import aiohttp

from tests.people import ALICE, BOB, Person
from tests.provider import Script, ScriptedProvider, Tokens
from tests.runs.calling import user
from tests.serving import Served

STREAMS = 200
PIECES = 12


async def stream(
    session: aiohttp.ClientSession, body: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Run something with stream and return what the deltas give and the last event."""
    text, name, last = "", "", {}
    async with session.post("/api/prompt/run", json={**body, "stream": True}) as answer:
        assert answer.status == 200, await answer.text()
        async for line in answer.content:
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                last = json.loads(line[6:])
                if name == "task.delta":
                    assert last["offset"] == len(text)
                    text += last["text"]
    return text, last


def session_of(server: Served, person: Person) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        server.url, headers=person.headers, connector=aiohttp.TCPConnector(limit=0)
    )


async def test_200_tasks_stream_at_once_each_complete_and_exact(server: Served) -> None:
    expected = "".join(f"word{number} " for number in range(PIECES))
    model = f"openai/text:{PIECES}:25"
    async with session_of(server, ALICE) as alice, session_of(server, BOB) as bob:
        sessions = [alice, bob] * (STREAMS // 2)
        results = await asyncio.gather(
            *(
                stream(session, {"messages": [user(f"stream {number}")], "model": model})
                for number, session in enumerate(sessions)
            )
        )
        assert [text for text, _ in results] == [expected] * STREAMS
        assert {last["status"] for _, last in results} == {"completed"}
        for session, (text, last) in zip(sessions, results, strict=True):
            async with session.get(f"/api/tasks/{last['task_id']}") as answer:
                assert (await answer.json())["response_text"] == text


async def test_sums_stay_equal_to_the_tasks_under_concurrent_completion(
    server: Served, provider: ScriptedProvider
) -> None:
    provider.script("gpt-4o-mini", Script(pieces=("a", "b"), usage=Tokens(input=1001, output=7)))
    async with session_of(server, ALICE) as alice:
        _, first = await stream(alice, {"messages": [user("start")], "model": "openai/echo"})
        run_id = first["run_id"]
        models = ["openai/gpt-4o-mini", "openai/echo", "openai/fail:400"]
        await asyncio.gather(
            *(
                stream(
                    alice,
                    {
                        "run_id": run_id,
                        "messages": [user("x" * number)],
                        "model": models[number % 3],
                    },
                )
                for number in range(1, 31)
            )
        )
        async with alice.get(f"/api/runs/{run_id}") as answer:
            run = await answer.json()
        async with alice.get("/api/tasks", params={"run_id": run_id, "limit": 100}) as answer:
            tasks = (await answer.json())["items"]
    assert run["task_count"] == len(tasks) == 31
    assert run["total_tokens"] == sum(task["tokens_total"] or 0 for task in tasks)
    known = [Decimal(task["cost"]) for task in tasks if task["cost"] is not None]
    assert (run["total_cost"] is None) == (not known)
    assert Decimal(run["total_cost"] or 0) == sum(known)
    failed = sum(task["status"] == "error" for task in tasks)
    assert failed == 10
    assert run["message_count"] == 2 + 30 + 20

"""How many tasks a second others' programs can tell: durable, and there for the next query.

The senders are a process of their own; the batches are made before the clock starts.
"""

import asyncio
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import aiohttp
import msgspec

from airuns.dev import words
from airuns.server.ids import new_id
from bench.figures import quantile, table
from bench.stage import Stage

SENDERS = 4
BATCH = 100
TASKS = 5_000
BYTES = 2000


def measure(where: Stage) -> None:
    """Print tasks a second with one task a run, and with ten."""
    rows = [_row(where, per_run) for per_run in (1, 10)]
    title = f"POST /api/events: {SENDERS} senders, batches of {BATCH}, tasks of {BYTES} bytes"
    table(title, ["tasks of a run", "tasks/s", "batch p50 ms", "p99"], rows)


def _row(where: Stage, per_run: int) -> list[str]:
    command = [sys.executable, "-m", "bench.recording", where.url, where.key, str(per_run)]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return [str(per_run), *told]


def batches(per_run: int, tasks: int = TASKS) -> list[bytes]:
    """Return bodies of `BATCH` tasks each."""
    rng = random.Random(5)
    events: list[dict[str, object]] = []
    run_id = uuid4()
    for n in range(tasks):
        if n % per_run == 0:
            run_id = new_id()
        events.append(_event(rng, run_id))
    return [msgspec.json.encode(events[at : at + BATCH]) for at in range(0, tasks, BATCH)]


def _event(rng: random.Random, run_id: UUID) -> dict[str, object]:
    text = _text(rng)
    return {
        "type": "task",
        "id": new_id(),
        "run_id": run_id,
        "at": datetime.now(UTC),
        "provider": "openai",
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": text[: BYTES // 3]}],
        "response_text": text[BYTES // 3 : BYTES - 400],
        "tokens_input": 200,
        "tokens_output": 300,
        "time_to_first_token": 0.3,
        "total_time": 2.5,
    }


def _text(rng: random.Random) -> str:
    return " ".join(f"{rng.choice(WORDS)}{rng.randrange(100)}" for _ in range(BYTES // 6))


WORDS = [words.rare_word(n) for n in range(2000)]


async def _send(url: str, key: str, bodies: list[bytes]) -> None:
    """Send all batches and print tasks a second and how long a batch took."""
    waiting, times = iter(bodies), list[float]()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def sender() -> None:
            for body in waiting:
                began = time.perf_counter()
                async with http.post("/api/events", data=body) as answer:
                    outcome = await answer.json()
                assert outcome["stored"] == BATCH, outcome
                times.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        taken = time.perf_counter() - began
    rate = len(bodies) * BATCH / taken
    p50, p99 = (quantile(times, share) * 1000 for share in (0.5, 0.99))
    print(f"{rate:.0f} {p50:.0f} {p99:.0f}")


if __name__ == "__main__":
    at, with_key, each = sys.argv[1:4]
    asyncio.run(_send(at, with_key, batches(int(each))))

"""How many tasks a second others' programs can tell: durable, and there for the next query.

The senders are a process of their own; the batches are made before the clock starts.
"""

import asyncio
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airuns.dev import words
from airuns.server.ids import new_id
from bench.figures import quantile, table
from bench.stage import Stage

SENDERS = 4
BATCH = 100
TASKS = 20_000
BYTES = 2000
PATHS = {"/api/events": "application/json", "/v1/traces": "application/x-protobuf"}


def measure(where: Stage) -> None:
    """Print tasks a second as events and as spans, with ten tasks a run, and with one."""
    rows = [_row(where, path, per_run) for path in PATHS for per_run in (10, 1)]
    title = f"Told by {SENDERS} senders, batches of {BATCH}, tasks of about {BYTES} bytes"
    table(title, ["through", "tasks of a run", "tasks/s", "batch p50 ms", "p99"], rows)


def _row(where: Stage, path: str, per_run: int) -> list[str]:
    command = [sys.executable, "-m", "bench.recording", where.url, where.key, path, str(per_run)]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    return [path, str(per_run), *told]


def spans(per_run: int, tasks: int = TASKS) -> list[bytes]:
    """Return OTLP requests of `BATCH` spans of model calls each; a session is a run."""
    return [_spans(events) for events in _batches(per_run, tasks)]


def _spans(events: list[dict[str, Any]]) -> bytes:
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    for event in events:
        began = int(event["at"].timestamp() * 1e9)
        [question] = event["messages"]
        answer = {"role": "assistant", "content": event["response_text"]}
        span = scoped.spans.add(
            trace_id=event["id"].bytes,
            span_id=event["id"].bytes[8:],
            name="chat gpt-4o-mini",
            kind=3,
            start_time_unix_nano=began,
            end_time_unix_nano=began + 2_500_000_000,
        )
        _attribute(span, "gen_ai.operation.name", "chat")
        _attribute(span, "gen_ai.provider.name", "openai")
        _attribute(span, "gen_ai.request.model", "gpt-4o-mini")
        _attribute(span, "gen_ai.conversation.id", str(event["run_id"]))
        _attribute(span, "gen_ai.input.messages", _said(question))
        _attribute(span, "gen_ai.output.messages", _said(answer))
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 200
        span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 300
    return request.SerializeToString()


def _attribute(span: Any, key: str, value: str) -> None:
    span.attributes.add(key=key).value.string_value = value


def _said(message: dict[str, Any]) -> str:
    part = {"type": "text", "content": message["content"]}
    return msgspec.json.encode([{"role": message["role"], "parts": [part]}]).decode()


def batches(per_run: int, tasks: int = TASKS) -> list[bytes]:
    """Return bodies of `BATCH` tasks each."""
    return [msgspec.json.encode(events) for events in _batches(per_run, tasks)]


def _batches(per_run: int, tasks: int) -> list[list[dict[str, Any]]]:
    rng = random.Random(5)
    events: list[dict[str, Any]] = []
    run_id = uuid4()
    for n in range(tasks):
        if n % per_run == 0:
            run_id = new_id()
        events.append(_event(rng, run_id))
    return [events[at : at + BATCH] for at in range(0, tasks, BATCH)]


def _event(rng: random.Random, run_id: UUID) -> dict[str, Any]:
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
    start = rng.randrange(len(TEXT) - BYTES)
    return TEXT[start : start + BYTES]


TEXT = " ".join(
    words.rare_word(number) for number in random.Random(5).sample(range(100_000), 50_000)
)


async def _send(url: str, key: str, path: str, bodies: list[bytes]) -> None:
    """Send all batches and print tasks a second and how long a batch took."""
    waiting, times = iter(bodies), list[float]()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": PATHS[path]}
    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def sender() -> None:
            for body in waiting:
                began = time.perf_counter()
                async with http.post(path, data=body) as answer:
                    told = await answer.read()
                assert answer.status == 200, told
                assert told in (b"", b'{"stored":100,"waiting":0,"refused":[]}'), told
                times.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        taken = time.perf_counter() - began
    rate = len(bodies) * BATCH / taken
    p50, p99 = (quantile(times, share) * 1000 for share in (0.5, 0.99))
    print(f"{rate:.0f} {p50:.0f} {p99:.0f}")


if __name__ == "__main__":
    at, with_key, through, each = sys.argv[1:5]
    make = batches if through == "/api/events" else spans
    asyncio.run(_send(at, with_key, through, make(int(each))))

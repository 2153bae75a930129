"""The engine: tasks per second, and the delay that it adds to a provider's pieces."""

import asyncio
import time
from typing import Any

import aiohttp

from bench.figures import quantile, table
from bench.stage import Stage

PIECES = 60
PACE_MS = 50
REPEATS = 3


async def throughput(stage: Stage) -> None:
    """Submit → complete with an upstream that answers at once, beside bare calls of it."""
    rows: list[list[str]] = []
    for clients in (1, 16):
        bare = await _per_second(f"{stage.provider_url}/v1/chat/completions", {}, _bare, clients)
        ours = await _per_second(f"{stage.url}/api/prompt/run", stage.headers, _ours, clients)
        rows.append([str(clients), f"{bare:.0f}", f"{ours:.0f}", f"{ours / bare:.2f}"])
    table(
        "Tasks per second, submitted, streamed, saved and answered (upstream delay 0)",
        ["clients", "bare upstream calls", "airuns", "ratio"],
        rows,
    )


async def _per_second(url: str, headers: dict[str, str], body: Any, clients: int) -> float:
    deadline = time.monotonic() + 4
    done = 0

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.monotonic() < deadline:
            async with session.post(url, json=body()) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
                done += 1

    async with aiohttp.ClientSession(headers=headers) as session:
        began = time.monotonic()
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return done / (time.monotonic() - began)


def _bare() -> dict[str, Any]:
    return {"model": "text:5", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


def _ours() -> dict[str, Any]:
    return {"model": "openai/text:5", "messages": [{"role": "user", "content": "hi"}]}


async def delay(stage: Stage) -> None:
    """Time from the provider's sending of a piece to its event in the client."""
    rows: list[list[str]] = []
    model = f"clock:{PIECES}:{PACE_MS}"
    for streams in (1, 50, 200):
        bare = await _delays(
            f"{stage.provider_url}/v1/chat/completions", {}, {**_bare(), "model": model}, streams
        )
        body = {**_ours(), "model": f"openai/{model}", "stream": True}
        ours = await _delays(f"{stage.url}/api/prompt/run", stage.headers, body, streams)
        cells = [f"{quantile(each, share):.1f}" for share in (0.5, 0.99) for each in (bare, ours)]
        added = [f"{quantile(ours, share) - quantile(bare, share):.1f}" for share in (0.5, 0.99)]
        rows.append([str(streams), *cells, *added])
    table(
        f"Milliseconds from the provider's piece to the client's event, a piece every {PACE_MS} ms",
        ["streams", "bare p50", "ours p50", "bare p99", "ours p99", "added p50", "added p99"],
        rows,
    )


async def _delays(url: str, headers: dict[str, str], body: Any, streams: int) -> list[float]:
    """Return each piece's delay in milliseconds; the median run of several is not hidden."""
    found: list[float] = []

    async def client(session: aiohttp.ClientSession, wait: float) -> None:
        await asyncio.sleep(wait)
        async with session.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                found.extend(_ages(line))

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        for _ in range(REPEATS):
            pace = PACE_MS / 1000
            waits = [pace * number / streams for number in range(streams)]
            await asyncio.gather(*(client(session, wait) for wait in waits))
    return found


def _ages(line: bytes) -> list[float]:
    """Return how old the clock readings in a line of a stream are, in milliseconds."""
    now = time.monotonic_ns()
    mark = (
        b'"text":"'
        if b'"text":"' in line
        else b'"content": "'
        if b'"content": "' in line
        else b'"content":"'
    )
    _, found, rest = line.partition(mark)
    if not found or b"response_text" in line:
        return []
    readings = rest.partition(b'"')[0].split()
    return [(now - int(reading)) / 1e6 for reading in readings if reading.isdigit()]

"""The gateway: what it adds to a call, beside the bare upstream and a proxy that records nothing.

`python -m bench.gateway URL KEY CLIENTS SECONDS STREAM` is the client, in a process of its own.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from bench.figures import quantile, table
from bench.stage import PORT, URL, command, environment, server

SECONDS = 4
CLIENTS = (1, 16, 64)
PROXY_PORT = "8378"
COLUMNS = [
    "clients",
    "direct",
    "bare proxy",
    "airuns",
    "of the proxy",
    "p50",
    "p99",
    "first piece",
    "CPU ms",
]


def measure() -> None:
    """Print requests per second and added times, with an upstream of 0 and of 20 ms."""
    for delay in (0, 20):
        with _stage(delay) as (places, key, pid):
            for stream in (False, True):
                _measure(places, key, pid, delay, stream)
            _recorded(key)


def _measure(places: dict[str, str], key: str, pid: int, delay: int, stream: bool) -> None:
    rows: list[list[str]] = []
    for clients in CLIENTS:
        spent = _cpu(pid)
        found = {name: _load(url, key, clients, stream) for name, url in places.items()}
        ours, bare, direct = found["airuns"], found["bare proxy"], found["direct"]
        added = [ours[name] - direct[name] for name in ("p50", "p99", "first")]
        cpu = 1000 * (_cpu(pid) - spent) / (ours["rate"] * SECONDS)
        rates = [f"{each['rate']:.0f}" for each in (direct, bare, ours)]
        ratio = f"{ours['rate'] / bare['rate']:.2f}"
        rows.append([str(clients), *rates, ratio, *(f"{each:.1f}" for each in added), f"{cpu:.2f}"])
    kind = "streams of 20 pieces" if stream else "whole answers"
    table(
        f"Gateway, recording on: {kind}, an upstream of {delay} ms; requests/s, and ms added",
        COLUMNS,
        rows,
    )


@contextlib.contextmanager
def _stage(delay: int) -> Iterator[tuple[dict[str, str], str, int]]:
    with (
        tempfile.TemporaryDirectory(prefix="airuns-bench-") as folder,
        _upstream(delay) as upstream,
    ):
        more = {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"{upstream}/v1"}
        env = environment(Path(folder) / "data") | more | {"AIRUNS_LOCAL_MODEL": "off"}
        with server(env) as (pid, _), _proxy(upstream) as proxy:
            key = command(env, "key", "create", "bench")
            yield {"direct": upstream, "bare proxy": proxy, "airuns": URL}, key, pid


@contextlib.contextmanager
def _upstream(delay: int) -> Iterator[str]:
    started = [sys.executable, "-m", "bench.upstream", str(delay)]
    process = subprocess.Popen(started, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _proxy(upstream: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_proxy", upstream, PROXY_PORT])
    url = f"http://127.0.0.1:{PROXY_PORT}"
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.post(f"{url}/v1/chat/completions", content=b"{}")
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _load(url: str, key: str, clients: int, stream: bool) -> dict[str, float]:
    given = [url, key, str(clients), str(SECONDS), str(int(stream))]
    return json.loads(subprocess.check_output([sys.executable, "-m", "bench.gateway", *given]))


def _cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _recorded(key: str) -> None:
    """Wait until all is recorded, and say how long that took."""
    began = time.monotonic()
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        while True:
            lines = client.get(f"http://127.0.0.1:{PORT}/metrics").text.splitlines()
            found = dict(line.split() for line in lines if line.startswith("airuns_gateway_"))
            if found["airuns_gateway_waiting"] == "0":
                break
            time.sleep(0.1)
    served, recorded = (
        float(found[f"airuns_gateway_{name}_total"]) for name in ("served", "recorded")
    )
    waited = time.monotonic() - began
    print(f"\nrecorded / served = {recorded / served:g}, {waited:.1f} s after the last call")


async def _client(url: str, key: str, clients: int, seconds: float, stream: bool) -> None:
    deadline = time.monotonic() + seconds
    times: list[float] = []
    firsts: list[float] = []

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        asked = 0
        while time.monotonic() < deadline:
            asked += 1
            began = time.perf_counter()
            async with session.post(url, data=_body(number, asked, deadline, stream)) as answer:
                assert answer.status == 200, await answer.text()
                await answer.content.readany()
                firsts.append(time.perf_counter() - began)
                await answer.read()
            times.append(time.perf_counter() - began)

    connector = aiohttp.TCPConnector(limit=0)
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    began = time.monotonic()
    async with aiohttp.ClientSession(headers=head, connector=connector) as session:
        await asyncio.gather(*(one(session, number) for number in range(clients)))
    rate = len(times) / (time.monotonic() - began)
    shown = {"p50": quantile(times, 0.5), "p99": quantile(times, 0.99)}
    shown["first"] = quantile(firsts, 0.5)
    print(json.dumps({"rate": rate, **{name: 1000 * each for name, each in shown.items()}}))


def _body(number: int, asked: int, deadline: float, stream: bool) -> bytes:
    text = f"A question of client {number}, number {asked}, at {deadline}. " + "words " * 30
    body: dict[str, Any] = {
        "model": "openai/bench",
        "messages": [{"role": "user", "content": text}],
    }
    return json.dumps(body | ({"stream": True} if stream else {}), separators=(",", ":")).encode()


if __name__ == "__main__":
    given_url, given_key, *numbers = sys.argv[1:]
    count, length, streams = (int(each) for each in numbers)
    asyncio.run(
        _client(f"{given_url}/v1/chat/completions", given_key, count, length, bool(streams))
    )

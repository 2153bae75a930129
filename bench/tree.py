"""The run tree: what appending to a run and opening its end cost, by how long the run is."""

import time
from collections.abc import Callable

import httpx

from bench.figures import quantile, table
from bench.stage import Stage

DEPTHS = (10, 1_000, 10_000)
ROUNDS = 300


def append_and_open(stage: Stage) -> None:
    """Append to runs of several depths in turn, so that the machine's moods hit all alike."""
    with httpx.Client(base_url=stage.url, headers=stage.headers, timeout=60) as client:
        runs = {depth: long_run(client, depth) for depth in DEPTHS}
        appends: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
        opens: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
        for _ in range(ROUNDS):
            for depth, run_id in runs.items():
                appends[depth].append(timed(lambda run_id=run_id: _append(client, run_id)))
                opens[depth].append(timed(lambda run_id=run_id: _open(client, run_id)))
    rows = [
        [
            f"{depth:,}",
            f"{quantile(appends[depth], 0.5):.2f}",
            f"{quantile(appends[depth], 0.5) / quantile(appends[DEPTHS[0]], 0.5):.2f}",
            f"{quantile(opens[depth], 0.5):.2f}",
            f"{quantile(opens[depth], 0.5) / quantile(opens[DEPTHS[0]], 0.5):.2f}",
        ]
        for depth in DEPTHS
    ]
    table(
        "Milliseconds (p50) through HTTP, by the messages that the run has",
        ["messages", "append", "ratio", "open the last 10", "ratio"],
        rows,
    )


def long_run(client: httpx.Client, depth: int) -> str:
    """Make a run of `depth` messages and return its id."""
    run_id = client.post("/api/runs", json={"name": f"{depth} messages"}).json()["id"]
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": f"message {n}"} for n in range(depth)]
    body = {"run_id": run_id, "request_data": {"messages": messages}}
    client.post("/api/tasks", json=body).raise_for_status()
    return run_id


def _append(client: httpx.Client, run_id: str) -> None:
    body = {"role": "user", "content": "one more"}
    client.post(f"/api/runs/{run_id}/messages", json=body).raise_for_status()


def _open(client: httpx.Client, run_id: str) -> None:
    client.get(f"/api/runs/{run_id}", params={"window": 10}).raise_for_status()


def timed(work: Callable[[], object]) -> float:
    """Do something and return how many milliseconds it took."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000

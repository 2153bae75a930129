"""The store as it grows: search, lists, dashboard, history, and what a run takes to keep.

Stores are made by `airuns dev seed` and can be kept in a folder, because a large one takes long.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg

from airuns.dev.words import CHINESE, COMMON, PHRASE, rare_word
from airuns.server.db import embedded
from airuns.server.db.unprivileged import account
from airuns.server.pages import encode_cursor
from bench.figures import quantile, table
from bench.stage import URL, command, environment, server
from bench.tree import timed

STEPS = (10_000, 100_000, 1_000_000)
ROUNDS = 60
PURGED = 20_000
TABLES = """
    select c.relname, pg_relation_size(c.oid) + coalesce(pg_relation_size(c.reltoastrelid), 0),
        pg_indexes_size(c.oid)
    from pg_class as c
    where c.relnamespace = 'airuns'::regnamespace and c.relkind = 'r'
        and pg_total_relation_size(c.oid) > 1000000
    order by pg_total_relation_size(c.oid) desc
"""


class Question(msgspec.Struct, frozen=True):
    """What is asked for in each round, and the goal for its p95 in milliseconds."""

    name: str
    goal: float
    path: str
    params: Callable[[int], dict[str, Any]]


Figures = dict[str, tuple[float, float]]
"""p50 and p95 in milliseconds, by the name of the question."""


def measure(runs: int, folder: Path | None) -> None:
    """Measure stores of 10,000 runs and more, up to `runs`; print each and how it grew."""
    steps = [step for step in STEPS if step <= runs] or [runs]
    before: Figures | None = None
    for step in steps:
        with _kept(folder, step) as data_dir:
            seconds = _seeded(data_dir, step)
            env = environment(data_dir) | {"AIRUNS_LOCAL_MODEL": "off"}
            with server(env), _client(env) as client:
                asked = _questions(client)
                found = {each.name: _times(client, each) for each in asked}
                _print_times(step, asked, found, before)
                before = found
                _print_sizes(data_dir, step, seconds)
                if step == steps[0]:
                    _print_purge(env, client)


@contextlib.contextmanager
def _kept(folder: Path | None, step: int) -> Iterator[Path]:
    """Yield the folder of a store, which is removed at the end unless it is to be kept."""
    if folder is not None:
        yield folder.resolve() / f"{step}"
        return
    with tempfile.TemporaryDirectory(prefix="airuns-bench-") as made:
        yield Path(made) / "data"


def _seeded(data_dir: Path, runs: int) -> float:
    """Have a store of so many runs; return the seconds that it took to load, index and all."""
    note = data_dir / "bench.json"
    if note.exists():
        return json.loads(note.read_text())["seconds"]
    env = environment(data_dir)
    began = time.monotonic()
    print(command(env, "dev", "seed", "--runs", str(runs)).splitlines()[0], flush=True)
    seconds = time.monotonic() - began
    note.write_text(json.dumps({"seconds": seconds}))
    return seconds


@contextlib.contextmanager
def _client(env: dict[str, str], *user: str) -> Iterator[httpx.Client]:
    key = command(env, "key", "create", "bench", *user)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=URL, headers=headers, timeout=120) as client:
        yield client


def _questions(client: httpx.Client) -> list[Question]:
    of_prompt = client.get("/api/runs", params={"source_type": "prompt", "limit": 1}).json()
    history = f"/api/prompts/{of_prompt['items'][0]['prompt_id']}/history"
    words = client.get("/api/runs/totals").json()["runs"] // 4
    deep = encode_cursor("recent", datetime.now(UTC) - timedelta(days=250), UUID(int=0))
    month = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    year = (datetime.now(UTC) - timedelta(days=365)).isoformat()

    def search(name: str, words: str) -> Question:
        return Question(f"search, {name}", 200, "/api/search", lambda _: {"q": words})

    def listed(name: str, **params: str) -> Question:
        return Question(f"list, {name}", 20, "/api/runs", lambda _: params)

    return [
        Question(
            "search, a rare word",
            100,
            "/api/search",
            lambda number: {"q": rare_word(number * 7919 % words)},
        ),
        search("a common word", COMMON),
        search("a phrase", f'"{PHRASE}"'),
        search("Chinese", CHINESE),
        search("filters and a word", f"tag:work is:starred {COMMON}"),
        listed("first page"),
        listed("deep by cursor", cursor=deep),
        listed("by cost, of a tag", sort="cost", tag="eval"),
        Question("dashboard, a month", 50, "/api/analytics", lambda _: {"since": month}),
        Question("dashboard, a year", 50, "/api/analytics", lambda _: {"since": year}),
        Question("history of a prompt", 20, history, lambda _: {}),
    ]


def _times(client: httpx.Client, asked: Question) -> tuple[float, float]:
    """Return p50 and p95 of asking, after a few rounds that do not count."""

    def ask(number: int) -> None:
        client.get(asked.path, params=asked.params(number)).raise_for_status()

    found = [timed(partial(ask, number)) for number in range(ROUNDS + 5)][5:]
    return quantile(found, 0.5), quantile(found, 0.95)


def _print_times(step: int, asked: list[Question], found: Figures, before: Figures | None) -> None:
    rows: list[list[str]] = []
    for each in asked:
        p50, p95 = found[each.name]
        grew = f"{p50 / before[each.name][0]:.2f}" if before else ""
        met = "" if p95 <= each.goal else "missed"
        rows.append([each.name, f"{p50:.1f}", f"{p95:.1f}", f"{each.goal:.0f}", grew, met])
    table(
        f"Asked over HTTP with {step:,} runs in the store, milliseconds",
        ["", "p50", "p95", "goal p95", "p50 grew by", ""],
        rows,
    )


def _print_sizes(data_dir: Path, step: int, seconds: float) -> None:
    """Print what the tables and their indexes take, in megabytes and in bytes per run."""
    url = embedded.Cluster(data_dir, account()).url(embedded.SUPERUSER)
    with psycopg.connect(url) as root:
        sizes = root.execute(TABLES).fetchall()
    total = sum(heap + indexes for _, heap, indexes in sizes)
    table(
        f"Space of {step:,} runs; loaded and indexed in {seconds:.0f} s, "
        f"{seconds / step * 1000:.2f} ms a run",
        ["table", "rows, MB", "indexes, MB", "bytes per run"],
        [
            [name, f"{heap / 1e6:.1f}", f"{indexes / 1e6:.1f}", f"{(heap + indexes) / step:.0f}"]
            for name, heap, indexes in [*sizes, ("all", total, 0)]
        ],
    )


def _print_purge(env: dict[str, str], client: httpx.Client) -> None:
    """Empty a trash of 20,000 runs and see what appending to a run takes meanwhile."""
    seeding = ("--runs", str(PURGED), "--messages", "4", "--user", "purged", "--no-index")
    command(env, "user", "add", "purged")
    command(env, "dev", "seed", *seeding)
    run_id = client.post("/api/runs", json={"name": "appended to"}).json()["id"]
    quiet = [_append(client, run_id) for _ in range(300)]
    with _client(env, "--user", "purged") as other:
        change = {"action": "delete", "filter": {"archived": None}}
        other.post("/api/runs/changes", json=change).raise_for_status()
        total = other.post("/api/trash/empty", json={}).raise_for_status().json()["total"]
        began = time.monotonic()
        busy: list[float] = []
        while not other.get("/api/retention").json()["emptying"]["ended_at"]:
            busy += [_append(client, run_id) for _ in range(20)]
        took = time.monotonic() - began
    client.delete(f"/api/runs/{run_id}")
    client.delete(f"/api/runs/{run_id}", params={"purge": True})
    command(env, "user", "erase", "purged", "--yes")
    rows = [
        [name, f"{quantile(times, 0.5):.2f}", f"{quantile(times, 0.95):.2f}", f"{max(times):.1f}"]
        for name, times in (("nothing else", quiet), (f"{total:,} runs are purged", busy))
    ]
    table(
        f"Milliseconds to append a message while …; the purge took {took:.0f} s",
        ["", "p50", "p95", "at most"],
        rows,
    )


def _append(client: httpx.Client, run_id: str) -> float:
    body = {"role": "user", "content": "one more"}
    path = f"/api/runs/{run_id}/messages"
    return timed(lambda: client.post(path, json=body).raise_for_status())

"""Run every benchmark, or only some: `make bench RUNS=1000000 STORES=folder ONLY=store`."""

import argparse
import asyncio
import platform
from pathlib import Path

from bench import engine, gateway, importing, pages, recording, sdk, store, tree
from bench.stage import memory, stage

PARTS = ("engine", "pages", "gateway", "recording", "importing", "sdk", "store")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the largest store")
    parser.add_argument("--stores", type=Path, help="folder where stores are kept for next time")
    parser.add_argument("--only", choices=PARTS, help="one part of the benchmarks")
    given = parser.parse_args()
    parts = [given.only] if given.only else PARTS
    print(f"{platform.machine()}, client, server, PostgreSQL and upstream on the same cores")
    if "store" in parts:
        store.measure(given.runs, given.stores)
    if "gateway" in parts:
        gateway.measure()
    if not set(parts) <= {"gateway", "store"}:
        _measure_serving(parts, given.runs)


def _measure_serving(parts: list[str] | tuple[str, ...], runs: int) -> None:
    with stage() as where:
        print(f"Start: first {where.first_start:.1f} s, later {where.later_start:.1f} s")
        print(f"Memory at rest: {memory(where.pid):.0f} MB, the local model included")
        if "engine" in parts:
            tree.append_and_open(where)
            asyncio.run(engine.throughput(where))
            asyncio.run(engine.delay(where))
        if "pages" in parts:
            pages.measure(where)
        if "recording" in parts:
            recording.measure(where)
        if "importing" in parts:
            importing.measure(where, runs)
        if "sdk" in parts:
            sdk.measure(where)


if __name__ == "__main__":
    main()

"""Run every benchmark: `make bench`."""

import asyncio
import platform

from bench import engine, pages, tree
from bench.stage import memory, stage


def main() -> None:
    print(f"{platform.machine()}, client, server, PostgreSQL and upstream on the same cores")
    with stage() as where:
        print(f"Start: first {where.first_start:.1f} s, later {where.later_start:.1f} s")
        print(f"Memory at rest: {memory(where.pid):.0f} MB, the local model included")
        tree.append_and_open(where)
        asyncio.run(engine.throughput(where))
        asyncio.run(engine.delay(where))
        pages.measure(where)


if __name__ == "__main__":
    main()

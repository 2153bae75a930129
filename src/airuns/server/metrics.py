"""/metrics: how the server is, as Prometheus reads it."""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

MEDIA_TYPE = "text/plain; version=0.0.4"


class Metric(msgspec.Struct, frozen=True):
    """A number and what it says. `kind` is gauge or counter; a counter's name ends in _total."""

    name: str
    help: str
    value: float
    kind: str = "gauge"

    def __str__(self) -> str:
        return (
            f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.kind}\n"
            f"{self.name} {self.value:g}\n"
        )


def of_process() -> list[Metric]:
    """Return what the process has used, under Prometheus' usual names."""
    seconds = Metric(
        "process_cpu_seconds_total", "CPU time in seconds.", time.process_time(), "counter"
    )
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # a system that does not tell in this way
        return [seconds]
    resident = pages * os.sysconf("SC_PAGE_SIZE")
    return [seconds, Metric("process_resident_memory_bytes", "Memory in bytes.", resident)]


def route(read: Callable[[], Awaitable[list[Metric]]], *, is_public: bool) -> HTTPRouteHandler:
    """Return the handler of /metrics; `read` gives what it says."""

    @get("/metrics", opt={"public": is_public}, tags=["operation"], media_type="text/plain")
    async def metrics() -> Response[str]:
        """Say how the server is, in Prometheus' text format."""
        return Response("".join(map(str, await read())), media_type=MEDIA_TYPE)

    return metrics

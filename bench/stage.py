"""What the benchmarks run on: a real server, the scripted provider in a process of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Stage:
    """Where things are. Times are in seconds."""

    url: str
    key: str
    data_dir: Path
    provider_url: str
    pid: int
    first_start: float
    later_start: float

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start a provider and a server on an empty data folder."""
    with tempfile.TemporaryDirectory(prefix="airuns-bench-") as folder, _provider() as provider_url:
        env = {
            "PATH": os.defpath,
            "HOME": folder,
            "AIRUNS_DATA_DIR": f"{folder}/data",
            "AIRUNS_PORT": "8377",
            "OPENAI_API_KEY": "bench",
            "OPENAI_BASE_URL": f"{provider_url}/v1",
        }
        with _server(env) as (_, first_start):
            key = subprocess.check_output(
                [BIN / "airuns", "key", "create", "bench"], env=env, text=True
            )
        with _server(env) as (pid, later_start):
            url = "http://127.0.0.1:8377"
            yield Stage(
                url, key.strip(), Path(folder) / "data", provider_url, pid, first_start, later_start
            )


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.provider"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _server(env: dict[str, str]) -> Iterator[tuple[int, float]]:
    began = time.monotonic()
    process = subprocess.Popen([BIN / "airuns", "serve"], env=env, stdout=subprocess.DEVNULL)
    try:
        while not _ready(env["AIRUNS_PORT"]):
            assert process.poll() is None, "airuns serve ended"
            time.sleep(0.02)
        yield process.pid, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()


def _ready(port: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    return False


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000

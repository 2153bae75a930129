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
PORT = "8377"
URL = f"http://127.0.0.1:{PORT}"


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
        more = {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"{provider_url}/v1"}
        env = environment(Path(folder) / "data") | more
        with server(env) as (_, first_start):
            key = command(env, "key", "create", "bench")
        with server(env) as (pid, later_start):
            yield Stage(
                URL, key, Path(folder) / "data", provider_url, pid, first_start, later_start
            )


def environment(data_dir: Path) -> dict[str, str]:
    """Return the whole environment of an `airuns` process on a data folder."""
    return {
        "PATH": os.defpath,
        "HOME": str(data_dir),
        "LANG": "C.UTF-8",
        "AIRUNS_DATA_DIR": str(data_dir),
        "AIRUNS_PORT": PORT,
    }


def command(env: dict[str, str], *args: str) -> str:
    """Run an `airuns` command and return what it said."""
    return subprocess.check_output([BIN / "airuns", *args], env=env, text=True).strip()


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
def server(env: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Have a server run; yield its process id and how many seconds it took to be ready."""
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

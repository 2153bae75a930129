"""Real `airuns` processes for tests, in an environment that is given and never inherited."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import httpx

from tests.people import Person

AIRUNS = Path(sys.executable).with_name("airuns")


def wait_until(condition: Callable[[], object], what: str = "", timeout: float = 15) -> None:
    """Wait for a condition. Raises TimeoutError, saying what did not come."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what or getattr(condition, "__name__", "condition"))
        time.sleep(0.01)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(data_dir: Path, **more: object) -> dict[str, str]:
    """Return the whole environment of an `airuns` process: nothing of it is this machine's."""
    given = {"AIRUNS_DATA_DIR": data_dir, "AIRUNS_LOCAL_MODEL": "off", **more}
    base = {"PATH": os.defpath, "HOME": str(data_dir), "LANG": "C.UTF-8"}
    return base | {name: str(value) for name, value in given.items() if value is not None}


def airuns(
    data_dir: Path, *args: str, stdin: str | None = None, **env: object
) -> subprocess.CompletedProcess[str]:
    """Run an `airuns` command to its end."""
    return subprocess.run(
        [AIRUNS, *args],
        env=environment(data_dir, **env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


class Served:
    """An `airuns serve` process on a data folder; can be killed, stopped and started again."""

    def __init__(self, data_dir: Path, **env: object) -> None:
        self.data_dir = data_dir
        self.env = {"AIRUNS_PORT": free_port(), **env}
        self.url = f"http://127.0.0.1:{self.env['AIRUNS_PORT']}"
        self.log = data_dir.with_suffix(".log")
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers /readyz."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [AIRUNS, "serve"],
                env=environment(self.data_dir, **self.env),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.is_ready, f"{self.url}/readyz", timeout=60)

    def is_ready(self) -> bool:
        """Say whether it answers that it is ready. Raises RuntimeError when it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"airuns serve ended: {self.output()}")
        asking = HTTPConnection("127.0.0.1", int(str(self.env["AIRUNS_PORT"])), timeout=30)
        try:  # not with httpx, which would take most of a start's time to be told no so often
            asking.request("GET", "/readyz")
            return asking.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()

    def output(self) -> str:
        """Return what the process has said so far, on both of its streams."""
        return self.log.read_text()

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Ask the process to stop, as Ctrl-C and service managers do; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def client(self, person: Person | None = None, **options: Any) -> httpx.Client:
        """Return a client of this server, with a person's key.

        It knows no certificates, which take longer to read than most requests.
        """
        headers = person.headers if person else {}
        given = {"headers": headers, "timeout": 30, "verify": False, **options}
        return httpx.Client(base_url=self.url, **given)

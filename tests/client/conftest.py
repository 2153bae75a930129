"""The SDK of this process, recording into a receiver or into the server."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import airuns
from tests.client.receiver import Receiver
from tests.people import ALICE
from tests.serving import Served, environment

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with Receiver() as receiver:
        receiver.start()
        yield receiver


@pytest.fixture
def sdk(receiver: Receiver, tmp_path: Path) -> Generator[Receiver]:
    """The SDK of this process, recording into a receiver."""
    airuns.configure(
        url=receiver.url, api_key="air_x", disabled=False, queue_dir=tmp_path / "queue"
    )
    yield receiver
    airuns.configure(disabled=True)


@pytest.fixture
def recorded(server: Served, tmp_path: Path) -> Generator[None]:
    """The SDK of this process, recording into the server as Alice."""
    airuns.configure(
        url=server.url, api_key=ALICE.key, disabled=False, queue_dir=tmp_path / "queue"
    )
    yield
    airuns.configure(disabled=True)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run a program of a few lines in a process of its own, on the queue of `sdk`."""

    def run(code: str, url: str, **env: object) -> subprocess.CompletedProcess[str]:
        given = {
            "AIRUNS_URL": url,
            "AIRUNS_API_KEY": "air_x",
            "AIRUNS_QUEUE_DIR": tmp_path / "queue",
        }
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", "import airuns, os\n" + textwrap.dedent(code)],
            env=environment(tmp_path, **(given | env)),
            capture_output=True,
            text=True,
            timeout=30,
        )

    return run

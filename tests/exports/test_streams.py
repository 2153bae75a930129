"""Large exports: memory stays as it is, and what breaks off does not look whole."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest

from airuns.server.db.door import Database
from tests.conftest import Run
from tests.exports.trees import user_messages
from tests.people import ALICE
from tests.serving import Served

MESSAGES = 10_000
SIZE = 2_000
MOST_GROWTH = 18_000_000


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    """A database of this file's own."""
    return new_database()


@pytest.fixture(scope="module")
def run_id(url: str, run: Run) -> UUID:
    """A run of 20 MB."""

    async def make() -> UUID:
        db = Database(url, 1)
        await db.open()
        made = await user_messages(db, ALICE, MESSAGES, SIZE)
        await db.close()
        return made

    return run(make())


@pytest.fixture(scope="module")
def large(folder: Path, url: str, run_id: UUID) -> Generator[Served]:
    """A server that has nothing else to do."""
    served = Served(folder / "large", AIRUNS_DATABASE_URL=url)
    yield served
    assert served.stop() == 0, served.output()


def peak(served: Served) -> int:
    """Return the most memory that a server has had, in bytes."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("format_", ["json", "text"])
def test_memory_does_not_grow_with_the_run(large: Served, run_id: UUID, format_: str) -> None:
    with large.client(ALICE) as client:
        client.get("/api/export", params={"format": format_, "tag": "none"}).raise_for_status()
        Path(f"/proc/{large.process.pid}/clear_refs").write_text("5")
        before = peak(large)
        path = f"/api/runs/{run_id}/export?format={format_}"
        with client.stream("GET", path, headers={"accept-encoding": "identity"}) as answer:
            size = sum(map(len, answer.iter_raw()))
    assert size > MESSAGES * SIZE
    growth = peak(large) - before
    print(f"{format_}: {size / 1e6:.0f} MB, grown by {growth / 1e6:.1f} MB")
    assert growth < MOST_GROWTH


@pytest.mark.parametrize("format_", ["json", "text"])
def test_what_breaks_off_does_not_look_whole(
    large: Served, url: str, run_id: UUID, format_: str
) -> None:
    got = bytearray()
    with psycopg.connect(url, autocommit=True) as owner, large.client(ALICE) as client:
        path = f"/api/runs/{run_id}/export?format={format_}"

        def read() -> None:
            with client.stream("GET", path, headers={"accept-encoding": "identity"}) as answer:
                for chunk in answer.iter_raw():
                    if not got:
                        owner.execute("alter table airuns.ai_messages rename to gone")
                    got.extend(chunk)

        try:
            with pytest.raises(httpx.TransportError):
                read()
        finally:
            owner.execute("alter table airuns.gone rename to ai_messages")
    if format_ == "text":
        assert got.endswith(b"THIS EXPORT IS NOT COMPLETE: the server had to stop here.\n")
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(got)

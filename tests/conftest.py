"""What all tests share: a PostgreSQL per worker, databases with three people, a real server.

Tests may be `async def`; they run on one loop per worker, on which `db` lives. Databases and the
server are shared by the tests of a worker, so a test looks for what it made and not for how many
there are; `own_database_url` and `serve` give a test its own.
"""

import asyncio
import gc
import inspect
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from airuns.server.db import embedded
from airuns.server.db.door import Database
from airuns.server.db.migrate import migrate
from airuns.server.db.unprivileged import account
from tests.people import ALICE, BOB, CHARLIE, add_people
from tests.provider import ScriptedProvider
from tests.serving import Served, airuns

Run = Callable[[Coroutine[Any, Any, Any]], Any]

LONGEST_SECONDS = 120.0

# About how long a test takes by what it asks for, and those that take much longer than that.
SECONDS = {"serve": 5.0, "visit": 3.0, "full": 0.5}
OTHER_SECONDS = 0.2
SLOW = {
    "test_200_tasks_stream_at_once_each_complete_and_exact": 36.0,
    "test_every_component_is_shown_and_keeps_nobody_out": 27.0,
    "test_earlier_messages_come_without_a_jump_and_far_ones_go": 20.0,
    "test_every_answer_is_one_that_the_document_allows": 14.0,
    "test_export_import_export_is_identical": 5.0,
    "test_the_command_leaves_a_store_that_is_verified_and_can_be_searched": 10.0,
}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests, among which no garbage is looked for, as all of them stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that workers end together."""
    files: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        files[item.path] += _seconds(item)
    items.sort(key=lambda item: (-files[item.path], item.path))


def _seconds(item: pytest.Item) -> float:
    """Return about how long a test takes."""
    names: list[str] = getattr(item, "fixturenames", [])
    usual = max((SECONDS.get(name, 0) for name in names), default=0) or OTHER_SECONDS
    return SLOW.get(item.name, usual)


@pytest.fixture(scope="session")
def run() -> Generator[Run]:
    """Run a coroutine to its end, on the loop of the tests; what hangs fails."""
    with asyncio.Runner() as runner:
        yield lambda coroutine: runner.run(asyncio.wait_for(coroutine, LONGEST_SECONDS))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    pyfuncitem._request.getfixturevalue("run")(  # pyright: ignore[reportPrivateUsage]
        pyfuncitem.obj(**arguments)
    )
    return True


@pytest.fixture(scope="session")
def folder() -> Generator[Path]:
    """A folder for this worker; not in pytest's own, which is closed to PostgreSQL's user."""
    path = Path(tempfile.mkdtemp(prefix="airuns-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def cluster(folder: Path) -> Generator[embedded.Cluster]:
    """The worker's PostgreSQL, without the syncs that only a crash of the machine would need."""
    with embedded.running(folder / "cluster"):
        cluster = embedded.Cluster(folder / "cluster", account())
        with superuser(cluster) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
            connection.execute("create database people owner airuns")
        migrate(cluster.url(database="people"))
        add_people(cluster.url(database="people"))
        yield cluster


def superuser(cluster: embedded.Cluster) -> psycopg.Connection:
    """Connect as the superuser, who may make and drop databases."""
    return psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True)


@pytest.fixture(scope="session")
def new_database(cluster: embedded.Cluster) -> Callable[[], str]:
    """Make a database with the schema and the three people in it; return its URL, as its owner."""
    numbers = count(1)

    def clone() -> str:
        name = f"people_{next(numbers)}"
        with superuser(cluster) as connection:
            connection.execute(f"create database {name} template people owner airuns".encode())
        return cluster.url(database=name)

    return clone


@pytest.fixture
def empty_database_url(cluster: embedded.Cluster) -> str:
    """A database without a schema, as its owner."""
    name = f"empty_{uuid4().hex}"
    with superuser(cluster) as connection:
        connection.execute(f"create database {name} owner airuns".encode())
    return cluster.url(database=name)


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    """The database that the tests of this worker share with `server`, as its owner."""
    return new_database()


@pytest.fixture
def own_database_url(new_database: Callable[[], str]) -> str:
    """A database of the test's own, as its owner."""
    return new_database()


@pytest.fixture(scope="session")
def db(database_url: str, run: Run) -> Generator[Database]:
    """The door to the shared database."""
    database = Database(database_url, 12)
    run(database.open())
    yield database
    run(database.close())


@pytest.fixture(scope="session")
def provider() -> Generator[ScriptedProvider]:
    """The scripted provider that `server` calls as openai/… and anthropic/…"""
    with ScriptedProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def provider_env(provider: ScriptedProvider) -> dict[str, str]:
    """The environment that makes a server call the scripted provider."""
    return {
        "OPENAI_API_KEY": "test",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "ANTHROPIC_API_KEY": "test",
        "ANTHROPIC_BASE_URL": provider.url,
    }


@pytest.fixture(scope="session")
def server(folder: Path, database_url: str, provider_env: dict[str, str]) -> Generator[Served]:
    """A running `airuns serve` on the shared database."""
    served = Served(folder / "server", AIRUNS_DATABASE_URL=database_url, **provider_env)
    yield served
    assert served.stop() == 0, served.output()


@pytest.fixture(scope="session")
def migrated(folder: Path) -> Callable[[], Path]:
    """Return a new data folder with a migrated database, copied, for making one takes long."""
    made: list[Path] = []

    def copy() -> Path:
        if not made:
            made.append(folder / "migrated")
            assert airuns(made[0], "db", "migrate").returncode == 0
        new = Path(tempfile.mkdtemp(prefix="data-", dir=folder))
        subprocess.run(["cp", "-a", f"{made[0]}/.", new], check=True)
        return new

    return copy


@pytest.fixture
def serve(
    folder: Path, migrated: Callable[[], Path], provider_env: dict[str, str]
) -> Generator[Callable[..., Served]]:
    """Start servers of the test's own: `serve(**env)` on a new data folder, or on `data_dir`."""
    started: list[Served] = []

    def start(data_dir: Path | None = None, **env: object) -> Served:
        if data_dir is None:
            has_own = "AIRUNS_DATABASE_URL" not in env
            data_dir = migrated() if has_own else Path(tempfile.mkdtemp(prefix="data-", dir=folder))
        started.append(Served(data_dir, **(provider_env | env)))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop()


@pytest.fixture(scope="session")
def alice(server: Served) -> Generator[httpx.Client]:
    """Alice's client of the shared server."""
    with server.client(ALICE) as client:
        yield client


@pytest.fixture(scope="session")
def bob(server: Served) -> Generator[httpx.Client]:
    """Bob's client of the shared server."""
    with server.client(BOB) as client:
        yield client


@pytest.fixture(scope="session")
def charlie(server: Served) -> Generator[httpx.Client]:
    """Charlie's client of the shared server."""
    with server.client(CHARLIE) as client:
        yield client

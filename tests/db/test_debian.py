"""AI Runs on a PostgreSQL that others run: Debian's; in Debian 12 the oldest that we support."""

import shutil
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from airuns.server.db.unprivileged import account, let_through
from tests.serving import Served, airuns

FOUND = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

pytestmark = pytest.mark.skipif(
    not FOUND, reason="Debian's PostgreSQL is not installed (.ci/run installs it)"
)


@pytest.fixture(scope="module")
def debian_url(folder: Path) -> Generator[str]:
    """A database of Debian's PostgreSQL, as an owner who is no superuser."""
    data, user = folder / "debian", account()
    data.mkdir(mode=0o700)
    user.own(data, 0o700)
    let_through(user, data)

    def run(program: str, *args: str) -> None:
        subprocess.run([FOUND[0] / program, "-D", data, *args], check=True, cwd="/", **user.process)

    run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale")
    options = f"-c listen_addresses='' -c fsync=off -k {data}"
    run("pg_ctl", "start", "-w", "-l", str(data / "log"), "-o", options)
    try:
        root = f"postgresql://postgres@/postgres?host={data}"
        with psycopg.connect(root, autocommit=True) as connection:
            connection.execute("create role airuns login createrole noinherit")
            connection.execute("create database airuns owner airuns")
        yield f"postgresql://airuns@/airuns?host={data}"
    finally:
        run("pg_ctl", "stop", "-m", "fast", "-w")
        shutil.rmtree(data)


def test_a_prompt_runs_and_is_kept(
    serve: Callable[..., Served], debian_url: str, folder: Path
) -> None:
    env = {"AIRUNS_DATABASE_URL": debian_url}
    migrated = airuns(folder / "debian-data", "db", "migrate", **env)
    assert migrated.returncode == 0, migrated.stderr
    assert (
        f"PostgreSQL {FOUND[0].parent.name}"
        in airuns(folder / "debian-data", "db", "status", **env).stdout
    )

    served = serve(**env)
    key = airuns(served.data_dir, "key", "create", "smoke", **env).stdout.strip()
    with served.client() as client:
        client.headers["Authorization"] = f"Bearer {key}"
        prompt = {"name": "Echo", "messages": [{"role": "user", "content": "say {{word}}"}]}
        made = client.post("/api/prompts", json=prompt).json()
        assert made["variables"][0]["name"] == "word", made
        asked = {"prompt_id": made["id"], "variables": {"word": "hello"}, "model": "openai/echo"}
        done = client.post("/api/prompt/run", json=asked | {"stream": False}).json()
        assert (done["status"], done["response_text"]) == ("completed", "say hello")
        run = client.get(f"/api/runs/{done['run_id']}").json()
        assert [message["role"] for message in run["messages"]] == ["user", "assistant"]
        assert (run["message_count"], run["task_count"]) == (2, 1)

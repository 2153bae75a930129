"""`airuns serve` as a process: what it prints, kills it survives, and how it stops."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.people import ALICE
from tests.serving import AIRUNS, Served, airuns, environment, free_port, wait_until

Serve = Callable[..., Served]


def postmaster(served: Served) -> int | None:
    """Return the pid of the server's PostgreSQL, or None when it has stopped."""
    try:
        text = (served.data_dir / "postgres" / "postmaster.pid").read_text()
    except FileNotFoundError:
        return None
    return int(text.split()[0])


def link_in(output: str) -> str:
    found = re.search(r"Sign in, once and within 24 hours: http://\S+?(/sign-in/\S+)", output)
    assert found, output
    return found[1]


def use(served: Served, link: str) -> httpx.Response:
    with served.client() as browser:
        page = browser.get(link).text
        token = re.search(r'csrf_token" value="([^"]+)', page)
        assert token, page
        return browser.post(link, data={"csrf_token": token[1]})


def test_the_first_start_prints_a_link_until_it_is_used(serve: Serve, folder: Path) -> None:
    served = serve(folder / "nothing-yet")
    wait_until(lambda: "ready in" in served.output())
    first = served.output()
    port = served.env["AIRUNS_PORT"]
    assert first.startswith(f"AI Runs is at http://localhost:{port}\n")
    assert re.search(r"\nready in \d+\.\d s\n$", first)
    assert served.stop() == 0

    served.start()
    wait_until(lambda: served.output().count("ready in") == 2)
    second = served.output().removeprefix(first)
    assert use(served, link_in(second)).status_code == 303
    assert served.stop() == 0

    served.start()
    wait_until(lambda: served.output().count("ready in") == 3)
    assert "Sign in" not in served.output().removeprefix(first + second)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_stops_postgres_too(serve: Serve, number: int) -> None:
    served = serve()
    assert postmaster(served)
    served.process.send_signal(number)
    assert served.process.wait(30) == 0
    assert postmaster(served) is None
    assert "Traceback" not in served.output()


def test_after_kill_9_the_next_start_takes_postgres_over(serve: Serve) -> None:
    served = serve()
    before = postmaster(served)
    key = airuns(served.data_dir, "key", "create", "k").stdout.strip()
    served.kill()
    assert postmaster(served) == before
    served.start()
    assert postmaster(served) == before
    me = httpx.get(f"{served.url}/api/me", headers={"Authorization": f"Bearer {key}"})
    assert me.status_code == 200
    assert served.stop() == 0
    assert postmaster(served) is None


def test_a_killed_postgres_comes_back_by_itself(serve: Serve) -> None:
    served = serve()
    killed = postmaster(served)
    assert killed
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: postmaster(served) not in (killed, None), timeout=30)
    wait_until(served.is_ready, timeout=30)


def test_everything_killed_recovers_at_the_next_start(serve: Serve) -> None:
    served = serve()
    key = airuns(served.data_dir, "key", "create", "k").stdout.strip()
    served.kill()
    killed = postmaster(served)
    assert killed
    os.kill(killed, signal.SIGKILL)
    served.start()
    me = httpx.get(f"{served.url}/api/me", headers={"Authorization": f"Bearer {key}"})
    assert me.status_code == 200


def test_a_stop_ends_what_streams_after_its_grace(serve: Serve, own_database_url: str) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_SHUTDOWN_GRACE=0.5)
    ask = {"model": "openai/endless:20", "messages": [{"role": "user", "content": "go"}]}
    with (
        served.client(ALICE) as client,
        client.stream("POST", "/api/prompt/run", json=ask | {"stream": True}) as answer,
    ):
        lines = answer.iter_lines()
        assert any(line == "event: task.delta" for line in lines)
        served.process.terminate()
        assert any(line == "event: task.error" for line in lines)
    assert served.process.wait(30) == 0
    assert "Traceback" not in served.output()


def test_a_port_in_use_is_said(server: Served, folder: Path) -> None:
    data_dir = Path(tempfile.mkdtemp(dir=folder))
    done = airuns(data_dir, "serve", AIRUNS_PORT=server.env["AIRUNS_PORT"])
    assert done.returncode == 1
    assert f"Another program listens on 127.0.0.1:{server.env['AIRUNS_PORT']}" in done.stderr
    assert "AIRUNS_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unmigrated_database_of_ones_own_is_refused(
    empty_database_url: str, folder: Path
) -> None:
    data_dir = Path(tempfile.mkdtemp(dir=folder))
    port = free_port()
    url = empty_database_url
    done = airuns(data_dir, "serve", AIRUNS_DATABASE_URL=url, AIRUNS_PORT=port)
    assert done.returncode == 1
    assert done.stderr.endswith("Run: airuns db migrate\n")


def test_options_win_over_the_environment(folder: Path, own_database_url: str) -> None:
    data_dir = Path(tempfile.mkdtemp(dir=folder))
    port = free_port()
    env = environment(data_dir, AIRUNS_DATABASE_URL=own_database_url, AIRUNS_PORT=1)
    with subprocess.Popen(
        [AIRUNS, "serve", "--port", str(port), "--host", "127.0.0.1", "--data-dir", data_dir],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"AI Runs is at http://localhost:{port}\n"
        process.terminate()
        assert process.wait(30) == 0


def test_two_servers_share_a_database(serve: Serve, own_database_url: str) -> None:
    first = serve(AIRUNS_DATABASE_URL=own_database_url)
    second = serve(AIRUNS_DATABASE_URL=own_database_url)
    with first.client(ALICE) as here, second.client(ALICE) as there:
        key = here.post("/api/keys", json={"name": "both"}).json()
        assert key["id"] in {row["id"] for row in there.get("/api/keys").json()["items"]}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AIRUNS_PORT", "99999", "a whole number from 1 to 65535"),
        ("AIRUNS_PORT", "http", "a whole number"),
        ("AIRUNS_DATABASE_POOL", "0", "a whole number from 1"),
        ("AIRUNS_RETRIES", "-1", "a whole number from 0"),
        ("AIRUNS_TOTAL_TIMEOUT", "nan", "a number from"),
        ("AIRUNS_LEASE", "-5", "a number from 1"),
    ],
)
def test_a_setting_out_of_its_range_is_named(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    told = airuns(tmp_path, "serve", **{name: value})
    assert told.returncode == 1
    assert f"{name} must be {says}" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "url", ["mysql://weak:topsecret@h/db", "postgresql+asyncpg://u:topsecret@h"]
)
def test_a_wrong_address_of_the_database_is_not_repeated(tmp_path: Path, url: str) -> None:
    told = airuns(tmp_path, "db", "status", AIRUNS_DATABASE_URL=url)
    assert told.returncode == 1
    assert "AIRUNS_DATABASE_URL cannot be read" in told.stderr
    assert "topsecret" not in told.stderr + told.stdout

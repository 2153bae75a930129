"""The commands, with and without a server beside them."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from airuns.server.db import embedded
from tests.serving import AIRUNS, Served, airuns, environment


@pytest.fixture
def data_dir(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix="cli-", dir=folder))


def test_a_key_is_all_that_key_create_prints(data_dir: Path) -> None:
    made = airuns(data_dir, "key", "create", "laptop")
    assert (made.returncode, made.stderr) == (0, "")
    assert re.fullmatch(r"air_[A-Za-z0-9_-]{43}\n", made.stdout)

    listed = airuns(data_dir, "key", "list").stdout
    assert made.stdout[:12] in listed
    assert made.stdout.strip() not in listed
    assert "never used" in listed

    assert airuns(data_dir, "key", "revoke", "laptop").stdout.startswith("1 key revoked")
    assert "revoked" in airuns(data_dir, "key", "list").stdout
    again = airuns(data_dir, "key", "revoke", "laptop")
    assert again.returncode == 1
    assert again.stderr == "airuns: There is no API key laptop; see: airuns key list\n"


@pytest.fixture
def beside(migrated: Callable[[], Path]) -> Generator[Path]:
    """A data folder whose PostgreSQL runs, as beside a server."""
    data_dir = migrated()
    with embedded.running(data_dir):
        yield data_dir


def test_users_get_links_or_passwords(beside: Path) -> None:
    data_dir = beside
    added = airuns(data_dir, "user", "add", "Ada")
    assert re.search(r"ada can sign in at http://\S+/sign-in/[\w-]{43}\n", added.stdout)
    assert re.fullmatch(
        r"http://\S+/sign-in/\S{43}\n", airuns(data_dir, "user", "link", "ada").stdout
    )

    twice = airuns(data_dir, "user", "add", "ada")
    assert (twice.returncode, twice.stderr) == (1, "airuns: There is a user ada already.\n")

    short = airuns(data_dir, "user", "add", "bo", "--password", stdin="short\nshort\n")
    assert short.returncode == 1
    assert "10 to 1000 characters" in short.stderr
    text = "correct horse\ncorrect horse\n"
    assert airuns(data_dir, "user", "add", "bo", "--password", stdin=text).returncode == 0

    made = airuns(data_dir, "key", "create", "of ada", "--user", "ada")
    assert made.stdout.startswith("air_")
    assert "of ada" not in airuns(data_dir, "key", "list", "--user", "bo").stdout
    nobody = airuns(data_dir, "key", "create", "k", "--user", "zoe")
    assert (nobody.returncode, nobody.stderr) == (1, "airuns: There is no user zoe.\n")


def test_status_says_where_the_database_is(data_dir: Path) -> None:
    before = airuns(data_dir, "db", "status").stdout
    assert f"database  {data_dir}\n" in before
    assert "schema    none" in before
    assert airuns(data_dir, "db", "migrate").returncode == 0
    after = airuns(data_dir, "db", "status").stdout
    assert "PostgreSQL 18" in after
    assert "schema    0001" in after


def test_commands_work_beside_a_server(serve: Callable[..., Served]) -> None:
    server = serve()
    key = airuns(server.data_dir, "key", "create", "beside").stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    with server.client(headers=headers) as client:
        me = client.get("/api/me")
    assert (me.status_code, me.json()["username"]) == (200, "owner")
    assert airuns(server.data_dir, "db", "status").returncode == 0
    assert server.is_ready()


def test_what_is_wrong_is_one_line(data_dir: Path) -> None:
    wrong = airuns(data_dir, "serve", AIRUNS_PORT="many")
    assert wrong.returncode == 1
    assert (
        wrong.stderr == "airuns: AIRUNS_PORT must be a whole number from 1 to 65535, not 'many'.\n"
    )


def test_help_is_quick_and_needs_nothing(data_dir: Path) -> None:
    code = "import sys, airuns.cli; print([m for m in ('psycopg', 'litestar') if m in sys.modules])"
    python = AIRUNS.with_name("python")
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
    shown = subprocess.run(
        [AIRUNS, "--help"], env=environment(data_dir), capture_output=True, text=True, check=True
    )
    assert "serve" in shown.stdout


def test_commands_start_without_the_web_server() -> None:
    code = (
        "import sys; from airuns.cli import costs, db, exports, key, serve, user; "
        "print([m for m in ('litestar', 'jinja2', 'aiohttp') if m in sys.modules])"
    )
    python = AIRUNS.with_name("python")
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"

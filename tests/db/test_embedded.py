"""PostgreSQL in the data folder: private, shared by processes, alive after kills."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from airuns.errors import StartError
from airuns.server.db import embedded
from airuns.server.db.unprivileged import Account, account, let_through
from tests.serving import wait_until

USER = "from airuns.server.db.embedded import running\nfrom pathlib import Path\nimport sys\n"
HOLD = USER + "with running(Path(sys.argv[1])) as url:\n    print(url, flush=True)\n    input()\n"


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    """A data folder with a cluster that is stopped; making one takes a second."""
    with embedded.running(folder / "made"):
        return folder / "made"


@pytest.fixture
def empty_dir(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix="embedded-", dir=folder)) / "data"


@pytest.fixture
def data_dir(empty_dir: Path, made: Path) -> Path:
    subprocess.run(["cp", "-a", made, empty_dir], check=True)
    return empty_dir


@pytest.fixture
def holder(data_dir: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that uses the database of `data_dir` until its stdin ends."""
    with hold(data_dir) as process:
        yield process
        process.kill()


def hold(data_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def cluster_of(data_dir: Path) -> embedded.Cluster:
    return embedded.Cluster(data_dir, account())


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/cwd").exists())


def is_running(data_dir: Path) -> bool:
    return (data_dir / "postgres" / "postmaster.pid").exists()


def test_the_owner_is_no_superuser(empty_dir: Path) -> None:
    with embedded.running(empty_dir) as url, psycopg.connect(url) as connection:
        row = connection.execute(
            "select rolname, rolsuper, rolbypassrls, rolinherit from pg_roles"
            " where rolname = current_user"
        ).fetchone()
        assert row == ("airuns", False, False, False)
        settings = connection.execute(
            "select current_setting('listen_addresses'), current_setting('data_checksums')"
        ).fetchone()
        assert settings == ("", "on")


def test_it_is_private_and_stops_with_its_last_user(data_dir: Path) -> None:
    with embedded.running(data_dir):
        assert mode(data_dir) in (0o700, 0o710)
        assert mode(data_dir / "postgres") == 0o700
        assert mode(data_dir / "postgres.log") == 0o600
        assert mode(data_dir / "postgres" / ".s.PGSQL.5432") == 0o700
        with embedded.running(data_dir):
            pass
        assert is_running(data_dir)
    assert not is_running(data_dir)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_killed_user_leaves_it_running_for_the_next_who_stops_it(
    data_dir: Path, holder: subprocess.Popen[str]
) -> None:
    first = postmaster(data_dir)
    holder.kill()
    holder.wait()
    assert is_running(data_dir)
    with embedded.running(data_dir):
        assert postmaster(data_dir) == first
    assert not is_running(data_dir)


def test_it_stays_while_another_process_uses_it(
    data_dir: Path, holder: subprocess.Popen[str]
) -> None:
    with embedded.running(data_dir):
        pass
    assert is_running(data_dir)
    holder.communicate("\n", timeout=30)
    assert not is_running(data_dir)


def test_many_start_at_once(empty_dir: Path) -> None:
    command = [sys.executable, "-c", USER + "with running(Path(sys.argv[1])): pass", empty_dir]
    started = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert not is_running(empty_dir)


def test_a_killed_postgres_recovers_at_the_next_start(data_dir: Path) -> None:
    with embedded.running(data_dir) as url:
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 7 as n")
        kill(postmaster(data_dir))
        with embedded.running(data_dir) as again, psycopg.connect(again) as connection:
            assert connection.execute("select n from kept").fetchone() == (7,)


def test_a_killed_postgres_is_revived_under_its_users(data_dir: Path) -> None:
    with embedded.running(data_dir) as url:
        killed = postmaster(data_dir)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: embedded.revive(data_dir) or postmaster(data_dir) != killed)
        psycopg.connect(url).close()


def test_a_pid_file_that_names_another_program_is_no_hindrance(data_dir: Path) -> None:
    with embedded.running(data_dir):
        pass
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data_dir}/postgres\n")
    cluster_of(data_dir).account.own(pid_file, 0o600)
    with embedded.running(data_dir) as url:
        psycopg.connect(url).close()


def test_a_cluster_half_made_is_made_anew(empty_dir: Path) -> None:
    half = empty_dir / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    with embedded.running(empty_dir) as url:
        psycopg.connect(url).close()
    assert not half.exists()


@pytest.mark.parametrize("name", ["x" * 120, "a, 'b' \"c\" d%20", "données"])
def test_any_path_will_do(empty_dir: Path, name: str) -> None:
    folder = cluster_of(empty_dir / name).socket_folder
    with embedded.running(empty_dir / name) as url:
        psycopg.connect(url).close()
        assert mode(folder) == 0o700
    assert folder.exists() == folder.is_relative_to(empty_dir)


def test_a_data_folder_may_move(data_dir: Path) -> None:
    with embedded.running(data_dir):
        pass
    moved = data_dir.with_name("moved")
    data_dir.rename(moved)
    with embedded.running(moved) as url:
        psycopg.connect(url).close()


def test_a_socket_folder_of_somebody_else_is_refused(empty_dir: Path) -> None:
    long = empty_dir / ("x" * 120)
    folder = cluster_of(long).socket_folder
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    try:
        with pytest.raises(StartError, match="private folder"), embedded.running(long):
            pass
    finally:
        folder.rmdir()


def test_a_folder_that_cannot_be_made_is_said(empty_dir: Path) -> None:
    empty_dir.parent.joinpath("file").touch()
    blocked = empty_dir.parent / "file" / "data"
    with pytest.raises(StartError, match="cannot be used"), embedded.running(blocked):
        pass


def test_what_cannot_start_says_what_postgres_said(data_dir: Path) -> None:
    with embedded.running(data_dir):
        pass
    with (data_dir / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("nonsense = 1\n")
    refused = pytest.raises(StartError, match="unrecognized configuration parameter")
    with refused, embedded.running(data_dir):
        pass


def test_folders_above_may_be_passed_and_not_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    let_through(Account(12345, 12345, foreign=True), closed / "data")
    assert mode(closed) == 0o701
    closed.chmod(0o700)
    let_through(Account(os.getuid(), os.getgid(), foreign=False), closed / "data")
    assert mode(closed) == 0o700

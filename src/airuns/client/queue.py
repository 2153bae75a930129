"""The queue on disk (SQLite), shared by all processes of one server and key.

It takes what stands in the spool files, in one transaction with how far each was read, so that
nothing is taken twice or lost whoever is killed when.
"""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from airuns.client import spool
from airuns.client.config import log

MOST_REFUSED = 1000
IDLE_PAGES = 1000
SCHEMA = """
create table if not exists events (seq integer primary key autoincrement, payload blob not null);
create table if not exists spools (name text primary key, taken integer not null);
create table if not exists refused (
    seq integer primary key, at text not null, reason text not null, payload blob not null
);
"""


class Queue:
    """What waits to be sent. For one thread. Raises OSError or sqlite3.Error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = self._open(folder / "queue.db")

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            return _connect(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            broken = path.with_suffix(f".broken-{datetime.now(UTC):%Y%m%d-%H%M%S}")
            log.warning("The queue cannot be read (%s) and begins anew; see %s.", error, broken)
            path.rename(broken)
            for suffix in ("-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            return _connect(path)

    def take_spools(self, own: spool.Spool) -> None:
        """Move what the spool files hold into the queue; remove those that nobody writes to."""
        for path in sorted(self.folder.glob(f"*{spool.SUFFIX}")):
            with suppress(FileNotFoundError):
                is_left = path != own.path and spool.is_left(path)
                taken = self._take(path)
                if is_left:
                    _remove(path, taken)
                if is_left or (path == own.path and own.remove(taken)):
                    self._db.execute("delete from spools where name = ?", [path.name])

    def _take(self, path: Path) -> int:
        """Take all whole frames of a file; return how much of it has been taken."""
        while True:
            with self._db:
                self._db.execute("begin immediate")
                found = self._db.execute("select taken from spools where name = ?", [path.name])
                taken = next((row[0] for row in found), 0)
                payloads, after = spool.frames(path, taken)
                if not payloads:
                    return taken
                self._db.executemany("insert into events (payload) values (?)", zip(payloads))
                self._db.execute(
                    "insert into spools values (?, ?)"
                    " on conflict (name) do update set taken = excluded.taken",
                    [path.name, after],
                )

    def batch(self, most: int, most_bytes: int) -> list[tuple[int, bytes]]:
        """Return the oldest events, at least one of them: (its place, its payload)."""
        rows: list[tuple[int, bytes]] = []
        size = 0
        with closing(self._db.execute("select seq, payload from events order by seq")) as found:
            for seq, payload in found:
                size += len(payload)
                if rows and (size > most_bytes or len(rows) >= most):
                    break
                rows.append((seq, payload))
        return rows

    def done(self, seqs: list[int], refused: dict[int, str]) -> None:
        """Remove events; those of `refused` are kept apart with the reason, the newest 1000."""
        at = datetime.now(UTC).isoformat()
        with self._db:
            self._db.execute("begin immediate")
            self._db.executemany(
                "insert or replace into refused"
                " select seq, ?, ?, payload from events where seq = ?",
                [(at, reason, seq) for seq, reason in refused.items()],
            )
            self._db.executemany("delete from events where seq = ?", [(seq,) for seq in seqs])
            if refused:
                self._db.execute(
                    "delete from refused where seq not in"
                    " (select seq from refused order by seq desc limit ?)",
                    [MOST_REFUSED],
                )
        if not self._db.execute("select exists (select 1 from events)").fetchone()[0]:
            self._give_back()

    def put_last(self, seq: int) -> None:
        """Let the others go before an event that the server stumbles over."""
        with self._db:
            self._db.execute(
                "update events set seq = (select max(seq) + 1 from events) where seq = ?", [seq]
            )

    def _give_back(self) -> None:
        if self._pragma("freelist_count") > IDLE_PAGES:
            self._db.execute("pragma incremental_vacuum").fetchall()

    def bytes(self) -> int:
        """Return how much of the disk waits."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        return self._db.execute(f"pragma {name}").fetchone()[0]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _remove(path: Path, taken: int) -> None:
    """Remove a file that was left; its end may be an event that was never wholly written."""
    if rest := path.stat().st_size - taken:
        log.warning("The last %d bytes of %s cannot be read and are given up.", rest, path)
    path.unlink()


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    db.execute("pragma auto_vacuum = incremental")
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.executescript(SCHEMA)
    return db

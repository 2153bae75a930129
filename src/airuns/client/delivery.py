"""Hands events over to the disk on the caller's thread, and has a thread of its own deliver them.

Nothing here raises into the program: what cannot be kept is said in the log, once a minute.
"""

import atexit
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from airuns.client.calls import payload_of
from airuns.client.config import Config, current, log
from airuns.client.spool import Lock, Spool

EXIT_SECONDS = 2.0
LOG_SECONDS = 60.0
FORK_SECONDS = 1.0


class Work:
    """What the program's threads and the sender share."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.folder = _writable(config.folder)
        self.spool = Spool(self.folder)
        self.lock = Lock(self.folder / "send.lock")
        self.wake = threading.Event()
        self.queued_bytes = 0
        self.is_away = False
        self.is_stopping = False
        self.state = threading.Condition()
        self.asked = self.answered = 0

    def drained(self, timeout: float, *, is_last: bool = False) -> bool:
        """Wait until nothing waits any more; say whether that came true in time.

        `is_last` waits no longer once the server turns out to be away.
        """
        with self.state:
            self.asked += 1
            mine = self.asked
            self.wake.set()
            self.state.notify_all()
            self.state.wait_for(
                lambda: self.answered >= mine or (is_last and self.is_away), timeout
            )
            return self.answered >= mine

    def answer(self, asked: int) -> None:
        """Tell those who waited until then that nothing is left."""
        with self.state:
            self.answered = asked
            self.state.notify_all()

    def give_up(self) -> None:
        """The server is away for the moment."""
        with self.state:
            self.is_away = True
            self.state.notify_all()

    def stop(self) -> None:
        """Have the sender end once it has done what it is at."""
        with self.state:
            self.is_stopping = True
            self.wake.set()
            self.state.notify_all()


def _writable(folder: Path) -> Path:
    """Return the folder, or one for temporary files where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    import tempfile  # rarely needed, and long to import

    user = os.getuid() if hasattr(os, "getuid") else "user"
    instead = Path(tempfile.gettempdir()) / f"airuns-queue-{user}" / folder.name
    log.warning("%s cannot be written to; events wait in %s, until it is emptied.", folder, instead)
    return instead


class Delivery:
    """The one delivery of this process; there is no thread and no file before the first event."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.work: Work | None = None
        self.thread: threading.Thread | None = None
        self.quiet = threading.Lock()  # the sender's while it imports and uses SQLite
        self.logged: dict[str, float] = {}
        self.left_behind: list[Work] = []
        self.is_paused = False

    def put(self, event: msgspec.Struct) -> None:
        """Take an event; it is on disk when this returns. Never raises."""
        try:
            work = self.work or self._begin()
            if work is None:
                return
            if work.queued_bytes + work.spool.size > work.config.max_queue:
                self.say("full", "The queue is full; what is new is lost until it is delivered.")
                return
            work.spool.put(payload_of(event))
            if not work.wake.is_set():
                work.wake.set()
        except Exception as error:
            self.say(type(error).__name__, f"An event is lost: {error}")

    def flush(self, timeout: float) -> bool:
        """Wait until all is delivered; say whether it is. Never raises."""
        try:
            work = self.work or self._begin()
            return work is None or work.drained(timeout)
        except Exception as error:
            self.say("flush", f"Delivery does not run: {error}")
            return False

    def say(self, what: str, message: str) -> None:
        """Log a warning, each kind of them at most once a minute."""
        now = time.monotonic()
        if now - self.logged.get(what, -LOG_SECONDS) >= LOG_SECONDS:
            self.logged[what] = now
            log.warning(message)

    def _begin(self) -> Work | None:
        with self.mutex:
            if self.work is None and not self._is_silent():
                work = Work(current.get())
                self.thread = threading.Thread(
                    target=_send, args=[work], name="airuns-sender", daemon=True
                )
                self.work = work
                try:
                    self.thread.start()
                except RuntimeError:  # the interpreter ends; a later process delivers
                    work.is_away = True
            return self.work

    def _is_silent(self) -> bool:
        reason = current.get().reason_for_silence
        if reason and self.logged.setdefault("silent", 0) == 0:
            self.logged["silent"] = 1
            log.warning("Nothing is recorded. %s", reason)
        return reason is not None

    def configure(self, given: dict[str, Any]) -> None:
        """Go on with another configuration; what waits for the former one stays on disk."""
        with self.mutex:
            current.change(given)
            self.logged.pop("silent", None)
            if self.work is not None:
                self.work.stop()
                self.work.spool.close()
                self.work = None

    def end(self) -> None:
        """Give what is left a short time at the end of the program; none if the server is away."""
        work, thread = self.work, self.thread
        if work is None or thread is None:
            return
        work.drained(EXIT_SECONDS, is_last=True)
        work.stop()

    def pause(self) -> None:
        """Before a fork: have the sender hold no lock that the child would find locked for ever."""
        self.is_paused = self.quiet.acquire(timeout=FORK_SECONDS)

    def go_on(self) -> None:
        """After a fork, in the parent."""
        if self.is_paused:
            self.quiet.release()

    def forget(self) -> None:
        """In a forked child: begin anew. The parent's files are let go of, its SQLite untouched."""
        self.mutex, self.quiet = threading.RLock(), threading.Lock()
        if self.work is not None:
            self.left_behind.append(self.work)
            self.work.spool.close()
            self.work.lock.release()
            self.work = self.thread = None


def _send(work: Work) -> None:
    with delivery.quiet:
        from airuns.client.sender import Sender  # here, for it takes long to import

    Sender(work, delivery.quiet).run()


delivery = Delivery()
atexit.register(delivery.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=delivery.pause, after_in_parent=delivery.go_on, after_in_child=delivery.forget
    )


def flush(timeout: float = 5.0) -> bool:
    """Wait at most `timeout` seconds until everything recorded so far has been delivered.

    Returns False when it has not; it waits on disk then and goes on being delivered.
    """
    return delivery.flush(timeout)


def configure(
    *,
    url: str | None = None,
    api_key: str | None = None,
    disabled: bool | None = None,
    queue_dir: str | Path | None = None,
    max_queue: int | None = None,
) -> None:
    """Say where to record, in place of the environment (AIRUNS_URL, AIRUNS_API_KEY, …).

    `max_queue` is how many bytes may wait on disk, 256 MB unless given. What is left out stays.
    """
    given = {"url": url, "api_key": api_key, "disabled": disabled, "queue_dir": queue_dir}
    delivery.configure({**given, "max_queue": max_queue})

"""What the thread that delivers does: spool files into the queue, the queue to POST /api/events.

It speaks HTTP by the standard library: httpx being imported here, while the program calls a model,
would be seen half imported by openai, which looks for it in sys.modules.
"""

import gzip
import random
import sqlite3
import time
from http.client import HTTPException
from importlib import import_module
from struct import pack
from threading import Lock
from typing import NoReturn
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from airuns.client.calls import wire_of
from airuns.client.config import log
from airuns.client.delivery import Work
from airuns.client.queue import Queue
from airuns.events import Outcome

MOST_EVENTS = 500
MOST_BYTES = 1_000_000
GATHER_SECONDS = 0.1
FIRST_DELAY, LAST_DELAY = 0.5, 60.0
MOST_DELAY = 3600.0
LOCK_DELAY = 0.2
TIMEOUT = 30.0

_outcome = msgspec.json.Decoder(Outcome).decode
Rows = list[tuple[int, bytes]]


class Away(Exception):
    """The server could not take events now; `delay` is the least that it asked to wait."""

    def __init__(self, reason: str, delay: float = 0) -> None:
        super().__init__(reason)
        self.delay = delay


class Unread(Exception):
    """The server did not read the batch."""


class Sender:
    """Delivers what the spools of all processes hold, in the order that it was handed over in."""

    def __init__(self, work: Work, quiet: Lock) -> None:
        self.work = work
        self.quiet = quiet
        self._queue: Queue | None = None
        self._failures = 0
        self._not_before = 0.0
        self._most = MOST_EVENTS

    def run(self) -> None:
        """Deliver until the work is to stop."""
        with self.quiet:
            import_module("encodings.idna")  # looking up a host imports it, maybe amid a fork
        try:
            self._run()
        finally:
            if self._queue is not None:
                self._queue.close()

    def _run(self) -> None:
        work = self.work
        delay, asked = 0.0, 0
        while not work.is_stopping:
            self._pause(delay, asked)
            work.wake.clear()
            asked = work.asked
            try:
                with self.quiet:
                    self._queue = self._queue or Queue(work.folder)
                delay = self._turn(self._queue)
            except (Away, OSError, sqlite3.Error) as error:
                delay = self._back_off(error)
            except Exception as error:
                log.exception("Delivery stumbled over something of its own.")
                delay = self._back_off(error)
            if not delay:
                work.answer(asked)

    def _pause(self, delay: float, asked: int) -> None:
        """Wait for something to do, and a little for more; after a failure wait out the delay.

        A flush that came since `asked` does not wait for that, but for what the server has asked.
        """
        work = self.work
        if not delay:
            work.wake.wait()
        with work.state:
            if delay or work.asked == work.answered:
                work.state.wait_for(
                    lambda: work.is_stopping or work.asked > asked, delay or GATHER_SECONDS
                )
            work.state.wait_for(
                lambda: work.is_stopping, max(0, self._not_before - time.monotonic())
            )

    def _back_off(self, error: Exception) -> float:
        """Return how many seconds to wait after a failure, which is logged when it begins."""
        if not self._failures:
            log.warning("Events wait on disk, they cannot be delivered now: %s", error)
        self.work.give_up()
        self._failures += 1
        asked_for = error.delay if isinstance(error, Away) else 0
        self._not_before = time.monotonic() + asked_for
        longest = min(LAST_DELAY, FIRST_DELAY * 2 ** min(self._failures - 1, 10))
        return max(asked_for, longest * random.uniform(0.5, 1))  # noqa: S311  # not a secret

    def _turn(self, queue: Queue) -> float:
        """Send until nothing is left; return a delay when another process is at it."""
        work = self.work
        if not work.lock.take():
            return LOCK_DELAY
        try:
            while not work.is_stopping:
                with self.quiet:
                    queue.take_spools(work.spool)
                    work.queued_bytes = queue.bytes()
                    rows = queue.batch(self._most, MOST_BYTES)
                if not rows:
                    break
                self._send(queue, rows)
        finally:
            work.lock.release()
        return 0

    def _send(self, queue: Queue, rows: Rows) -> None:
        """Send a batch and remove it from the queue. Raises Away when it stays there."""
        refused: dict[int, str] = {}
        events: Rows = []
        for seq, payload in rows:
            try:
                events.append((seq, wire_of(payload)))
            except (msgspec.MsgspecError, ValueError) as error:
                refused[seq] = f"it cannot be read: {error}"
        try:
            refused |= self._post(queue, events) if events else {}
        except Unread as error:
            if len(events) > 1:
                self._most = len(events) // 2
                return
            refused[events[0][0]] = str(error)
        for seq, reason in refused.items():
            log.error("Event %d was refused and is kept apart: %s", seq, reason)
        with self.quiet:
            queue.done([seq for seq, _ in rows], refused)
        self.work.is_away, self._failures = False, 0
        self._most = min(MOST_EVENTS, self._most * 2)

    def _post(self, queue: Queue, events: Rows) -> dict[int, str]:
        """Send events; return why some were refused, by place. Raises Away or Unread."""
        body = pack(">BI", 0xDD, len(events)) + b"".join(event for _, event in events)
        headers = {
            "Authorization": f"Bearer {self.work.config.api_key}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
        }
        url = f"{self.work.config.url}/api/events"
        request = Request(url, gzip.compress(body, 1), headers, method="POST")  # noqa: S310
        try:
            with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # the user's own address
                outcome = _outcome(answer.read())
        except HTTPError as error:
            with error:
                self._failed(error, queue, events)
        except (OSError, HTTPException, ValueError) as error:
            raise Away(f"{type(error).__name__}: {error}") from error
        return {events[each.index][0]: each.reason for each in outcome.refused}

    def _failed(self, answer: HTTPError, queue: Queue, events: Rows) -> NoReturn:
        """Raise Away, or Unread when the batch is at fault."""
        said = f"{answer.code} {answer.read()[:300].decode(errors='replace')}"
        if answer.code in (400, 413, 422):
            raise Unread(said)
        if answer.code == 500:  # one of them may be what it stumbles over
            self._most = max(1, len(events) // 2)
            if len(events) == 1:
                with self.quiet:
                    queue.put_last(events[0][0])
        raise Away(said, _retry_after(answer))


def _retry_after(answer: HTTPError) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(MOST_DELAY, float(asked)) if asked.isdigit() else 0

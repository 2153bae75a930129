"""Which conversations this process has passed through lately, so that no query is needed for them.

A call is found by the chain hash of its request. Its answer is read only when somebody comes back
with one, so that calls that are never continued cost nothing.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from airuns.events import Protocol
from airuns.server.runs.rules import Turn, chain_hashes

MOST_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = 500
MOST_ANSWERS = 20  # of one request
AGAIN_SECONDS = 600
MOST_AGAIN = 100

ReadAnswer = Callable[[Protocol, bytes], list[Turn]]
Key = tuple[UUID, bytes]


class _Answer(msgspec.Struct):
    run_id: UUID
    protocol: Protocol
    body: bytes
    turns: list[Turn] | None = None


class _Known(msgspec.Struct):
    run_id: UUID
    until: float
    times: int
    answers: list[_Answer]
    size: int


class Known:
    """The conversations of one process, the latest used kept longest."""

    def __init__(self, read: ReadAnswer, now: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._now = now
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._size = 0

    def run_of(self, user_id: UUID, turns: Sequence[Turn], hashes: Sequence[bytes]) -> UUID | None:
        """Return the run that has the longest part of a conversation with an answer in it."""
        for at in range(len(turns) - 1, 0, -1):
            if turns[at].role == "assistant":
                known = self._known.get((user_id, hashes[at - 1]))
                if known and (run_id := self._answered(known, turns, hashes, at)):
                    self._known.move_to_end((user_id, hashes[at - 1]))
                    return run_id
        return None

    def again(self, user_id: UUID, request: bytes) -> UUID | None:
        """Return the run of the very same first request, made a short time ago."""
        known = self._known.get((user_id, request))
        if known is None or known.until < self._now() or known.times >= MOST_AGAIN:
            return None
        known.times += 1
        return known.run_id

    def asked(self, user_id: UUID, request: bytes, run_id: UUID) -> None:
        """Note in which run a request was made, `request` being the hash of its conversation."""
        known = self._known.get((user_id, request))
        if known is None:
            known = self._known[user_id, request] = _Known(run_id, 0, 1, [], ENTRY_BYTES)
            self._size += ENTRY_BYTES
        if known.run_id != run_id or known.until == 0:
            known.run_id, known.until, known.times = run_id, self._now() + AGAIN_SECONDS, 1
        self._shrink()

    def run_of_response(self, user_id: UUID, response_id: str) -> UUID | None:
        """Return the run of a response that a request goes on from, by its id."""
        known = self._known.get((user_id, response_id.encode()))
        return known.run_id if known else None

    def response(self, user_id: UUID, response_id: str, run_id: UUID) -> None:
        """Note of which run a response is."""
        self.asked(user_id, response_id.encode(), run_id)

    def answered(
        self, user_id: UUID, request: bytes, run_id: UUID, protocol: Protocol, body: bytes
    ) -> None:
        """Note the answer that a request got, as it came."""
        known = self._known.get((user_id, request))
        if known is None or len(body) > MOST_BYTES // 8:
            return
        if any(one.body == body and one.run_id == run_id for one in known.answers[-3:]):
            return
        known.answers.append(_Answer(run_id, protocol, body))
        added = len(body) + 300
        if len(known.answers) > MOST_ANSWERS:
            added -= len(known.answers.pop(0).body) + 300
        known.size += added
        self._size += added
        self._known.move_to_end((user_id, request))
        self._shrink()

    def _answered(
        self, known: _Known, turns: Sequence[Turn], hashes: Sequence[bytes], at: int
    ) -> UUID | None:
        for answer in reversed(known.answers):
            if answer.turns is None:
                answer.turns = self._read(answer.protocol, answer.body)
            count = len(answer.turns)
            said = chain_hashes(hashes[at - 1], answer.turns)
            if said and at + count <= len(turns) and said[-1] == hashes[at + count - 1]:
                return answer.run_id
        return None

    def _shrink(self) -> None:
        while self._size > MOST_BYTES:
            _, oldest = self._known.popitem(last=False)
            self._size -= oldest.size

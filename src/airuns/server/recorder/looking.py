"""Finds out what is there of all that a batch is about, in a handful of queries for all of it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from airuns.events import MessageEvent, RunEvent
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.recorder.known import Known, KnownMessage, KnownRun, KnownTask, Place
from airuns.server.recorder.rules import NEAR, recognisable
from airuns.server.recorder.told import Told
from airuns.server.runs.rules import chain_hash

SQL = queries.load(__package__ or "", "looking.sql")

Thing = Told | RunEvent | MessageEvent


class _Conversation(msgspec.Struct, frozen=True):
    hash: bytes
    run_id: UUID


async def look(tx: Transaction, user_id: UUID, things: Sequence[Thing]) -> Known:
    """Return what is there; the runs stay locked until the transaction ends."""
    looking = _Looking(tx, user_id)
    await looking.look(things)
    return looking.known


async def recognise(tx: Transaction, user_id: UUID, hashes: Sequence[bytes]) -> UUID | None:
    """Return the run that has the longest of some beginnings of a conversation.

    `hashes` are its chain hashes, the longest first, as rules.recognisable returns them.
    """
    looking = _Looking(tx, user_id)
    for some in (hashes[:NEAR], hashes[NEAR:]):
        await looking.conversations(some)
        for each in some:
            if run_id := looking.known.anywhere.get(each):
                return run_id
    return None


class _Looking:
    def __init__(self, tx: Transaction, user_id: UUID) -> None:
        self.known = Known()
        self._tx = tx
        self._user_id = user_id

    async def look(self, things: Sequence[Thing]) -> None:
        tasks = [thing for thing in things if isinstance(thing, Told)]
        messages = [thing for thing in things if isinstance(thing, MessageEvent)]
        named = _ids(id_ for message in messages for id_ in (message.task_id, message.parent_id))
        await self._tasks([*(task.task_id for task in tasks), *named])
        new = [task for task in tasks if task.task_id not in self.known.tasks]
        await self._recognise(new)
        await self._messages(
            [
                *named,
                *(message.id for message in messages),
                *(task.request_message_id for task in tasks),
                *(task.request_message_id for task in self.known.tasks.values()),
                *(task.answer_id for task in self.known.tasks.values()),
            ]
        )
        await self._runs(things)
        await self._messages(run.head_message_id for run in self.known.runs.values())
        await self._conversations_in_runs(new)
        await self._answers(tasks)

    async def _tasks(self, ids: list[UUID]) -> None:
        if ids:
            for task in await self._all(KnownTask, "tasks_known", ids=ids):
                self.known.tasks[task.task_id] = task

    async def _messages(self, ids: Iterable[UUID | None]) -> None:
        wanted = [one for one in _ids(ids) if one not in self.known.messages]
        if wanted:
            for message in await self._all(KnownMessage, "messages_known", ids=wanted):
                self.known.add_message(message)

    async def _runs(self, things: Sequence[Thing]) -> None:
        ids = {thing.id if isinstance(thing, RunEvent) else thing.run_id for thing in things}
        ids |= {task.run_id for task in self.known.tasks.values()}
        ids |= {message.run_id for message in self.known.messages.values()}
        ids |= set(self.known.anywhere.values())
        for run in await self._all(KnownRun, "runs_lock", ids=list(_ids(ids))):
            self.known.runs[run.id] = run

    async def _recognise(self, tasks: list[Told]) -> None:
        """Find the runs of conversations that no run is named for: near their ends, else before."""
        asked = [
            recognisable(task.turns, task.hashes)
            for task in tasks
            if task.run_id is None and task.request_message_id is None and task.turns
        ]
        await self.conversations({each for hashes in asked for each in hashes[:NEAR]})
        known = self.known.anywhere
        far = [hashes for hashes in asked if not any(each in known for each in hashes[:NEAR])]
        await self.conversations({each for hashes in far for each in hashes[NEAR:]})

    async def conversations(self, hashes: Iterable[bytes]) -> None:
        """Find the runs that have conversations of these chain hashes."""
        wanted = list(hashes)
        if wanted:
            for row in await self._all(_Conversation, "conversations", hashes=wanted):
                self.known.anywhere[row.hash] = row.run_id

    async def _conversations_in_runs(self, tasks: list[Told]) -> None:
        """Find how far conversations are known in their runs: near their ends, else before."""
        wanted: list[tuple[UUID, list[bytes]]] = []
        for task in tasks:
            hashes = task.hashes[::-1]
            known = (self.known.anywhere.get(each) for each in hashes)
            run_id = task.run_id or next((run_id for run_id in known if run_id), None)
            if run_id and run_id in self.known.runs and hashes:
                wanted.append((run_id, hashes))
        await self._places({(run_id, each) for run_id, hashes in wanted for each in hashes[:NEAR]})
        places = self.known.places
        far = [
            (run_id, hashes)
            for run_id, hashes in wanted
            if not any((run_id, each) in places for each in hashes[:NEAR])
        ]
        await self._places({(run_id, each) for run_id, hashes in far for each in hashes[NEAR:]})

    async def _answers(self, tasks: list[Told]) -> None:
        """Find answers that came before their tasks, in the request that followed."""
        wanted: set[Place] = set()
        for task in tasks:
            known = self.known.tasks.get(task.task_id)
            run_id = known.run_id if known else task.run_id
            asked_at = known.request_message_id if known else task.request_message_id
            question = self.known.messages.get(asked_at) if asked_at else None
            above = question.chain_hash if question else task.hashes[-1] if task.hashes else None
            answer = task.message
            if run_id and run_id in self.known.runs and answer is not None and above is not None:
                wanted.add((run_id, chain_hash(above, answer)))
        await self._places(wanted)

    async def _places(self, places: set[Place]) -> None:
        if places:
            pairs = list(places)
            run_ids, hashes = [run_id for run_id, _ in pairs], [each for _, each in pairs]
            for message in await self._all(KnownMessage, "places", run_ids=run_ids, hashes=hashes):
                self.known.add_message(message)

    async def _all(self, kind: type[Any], query: str, **params: Any) -> list[Any]:
        return await self._tx.all(kind, SQL[query], user_id=self._user_id, **params)


def _ids(values: Iterable[Any]) -> set[UUID]:
    return {one for one in values if one is not None and one is not UNSET}

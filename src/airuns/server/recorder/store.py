"""Stores what programs tell: a batch of a user's events, in one transaction."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from airuns.errors import AirunsError
from airuns.events import AnyEvent, CallEvent, MessageEvent, RunEvent, TaskEvent
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import parse_id
from airuns.server.models import prices
from airuns.server.models import store as models
from airuns.server.models.prices import OwnPrice
from airuns.server.recorder.looking import Thing, look
from airuns.server.recorder.looking import recognise as recognise
from airuns.server.recorder.plan import Plan, Waits
from airuns.server.recorder.rows import TaskRow
from airuns.server.recorder.told import Told, check_times, of_call, of_task

SQL = queries.load(__package__ or "")

AT_A_STRETCH = 8
CHANGED = ("source_type", "source_id", "name", "description", "tags", "status")
CHANGED_JSON = ("settings", "variable_values", "broker_values", "metadata")


class Entry(msgspec.Struct, frozen=True):
    """An event and the API key that sent it."""

    event: AnyEvent
    key_id: UUID | None


class Stored(msgspec.Struct, kw_only=True):
    """What became of a batch: what was refused or waits, by its place; runs that changed."""

    refused: dict[int, AirunsError]
    waiting: list[int]
    runs: list[UUID]


class _Waiting(msgspec.Struct, frozen=True):
    event: str
    key_id: UUID | None


_EVENT: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)

Placed = tuple[int | None, Entry, Thing]


class MustBeAlone(Exception):
    """Something of a batch has to wait for what another may just be adding."""


async def record(
    tx: Transaction, user_id: UUID, entries: Sequence[Entry], *, alone: bool = True
) -> Stored:
    """Store a batch; events that cannot be stored are refused, each by itself.

    A batch that is not `alone` may run beside others of the user: all of its events name their
    runs, and no other batch is about these. Raises MustBeAlone when it cannot be stored so, and
    psycopg's errors where the database finds a fault that was not foreseen.
    """
    await tx.execute(SQL["user_lock" if alone else "user_share"], user_id=user_id)
    stored = Stored(refused={}, waiting=[], runs=[])
    runs: set[UUID] = set()
    events: list[tuple[int | None, Entry]] = list(enumerate(entries))
    while events:
        round_ = _Round(tx, user_id, stored)
        plan = await round_.store(events)
        if stored.waiting and not alone:
            raise MustBeAlone
        runs |= plan.heads.keys() | plan.runs.keys() | {run_id for run_id, _ in plan.run_changes}
        events = [(None, entry) for entry in await round_.awaited(plan.arrived)]
    stored.runs = list(runs)
    return stored


class _Round:
    """Stores events that came, or that waited for what has come."""

    def __init__(self, tx: Transaction, user_id: UUID, stored: Stored) -> None:
        self._tx = tx
        self._user_id = user_id
        self._stored = stored
        self._now = datetime.now(UTC)
        self._waiting: list[tuple[UUID, Entry]] = []

    async def store(self, events: list[tuple[int | None, Entry]]) -> Plan:
        """Store them; return what was added."""
        told = await self._read(events)
        known = await look(self._tx, self._user_id, [thing for _, _, thing in told])
        plan = Plan(known, await self._prompts(told), self._now)
        things = [thing for _, _, thing in told if isinstance(thing, MessageEvent)]
        plan.answered = {thing.task_id for thing in things}
        for number, (at, entry, thing) in enumerate(told):
            await _breathe(number)
            with self._refusing(at):
                self._place(plan, at, entry, thing)
        await self._write(plan)
        await self._wait()
        return plan

    async def awaited(self, arrived: set[UUID]) -> list[Entry]:
        """Return the events that waited for what has come."""
        query, ids = SQL["awaited"], list(arrived)
        if not ids:
            return []
        rows = await self._tx.all(_Waiting, query, user_id=self._user_id, ids=ids)
        return [Entry(_EVENT.decode(row.event), row.key_id) for row in rows]

    @contextmanager
    def _refusing(self, at: int | None) -> Generator[None]:
        """Note a fault of an event; one that waited is nobody's any more."""
        try:
            yield
        except AirunsError as fault:
            if at is not None:
                self._stored.refused[at] = fault

    async def _read(self, events: list[tuple[int | None, Entry]]) -> list[Placed]:
        """Return what the events tell, runs first; what is told of a task becomes one."""
        tasks: dict[UUID, Told] = {}
        read: list[Placed] = []
        for number, (at, entry) in enumerate(events):
            await _breathe(number)
            with self._refusing(at):
                thing = self._told(entry)
                if isinstance(thing, Told):
                    if earlier := tasks.get(thing.task_id):
                        earlier.add(thing)
                        continue
                    tasks[thing.task_id] = thing
                read.append((at, entry, thing))
        return sorted(read, key=lambda each: not isinstance(each[2], RunEvent))

    def _told(self, entry: Entry) -> Thing:
        event = entry.event
        check_times(event)
        if not isinstance(event, MessageEvent) and event.source_type == "prompt":
            parse_id(str(event.source_id or ""), "source_id")
        if isinstance(event, TaskEvent):
            return of_task(event, entry.key_id, self._now)
        if isinstance(event, CallEvent):
            return of_call(event, entry.key_id, self._now)
        return event

    def _place(self, plan: Plan, at: int | None, entry: Entry, thing: Thing) -> None:
        try:
            if isinstance(thing, RunEvent):
                plan.add_run(thing)
            elif isinstance(thing, MessageEvent):
                plan.add_message(thing)
            else:
                plan.add_task(thing)
        except Waits as missing:
            self._waiting.append((missing.needs, entry))
            if at is not None:
                self._stored.waiting.append(at)

    async def _prompts(self, told: list[Placed]) -> dict[UUID, int]:
        """Hold the prompts that runs begin with; return their versions."""
        wanted = {
            UUID(str(thing.source_id))
            for _, _, thing in told
            if not isinstance(thing, MessageEvent) and thing.source_type == "prompt"
        }
        if not wanted:
            return {}
        rows = await self._tx.rows(SQL["prompts"], user_id=self._user_id, ids=list(wanted))
        return {row["id"]: row["version"] for row in rows}

    async def _write(self, plan: Plan) -> None:
        await self._price([*plan.tasks, *plan.task_changes])
        user = {"user_id": self._user_id}
        async with self._tx.batch():
            if plan.runs:
                rows = _json(list(plan.runs.values()))
                await self._tx.execute(SQL["run_add"], rows=rows, **user)
            if plan.messages or plan.tasks:
                messages, tasks = _json(plan.messages), _json(plan.tasks)
                await self._tx.execute(SQL["add"], messages=messages, tasks=tasks, **user)
            if plan.adopted:
                ids, task_ids = list(plan.adopted), list(plan.adopted.values())
                await self._tx.execute(SQL["adopt"], ids=ids, task_ids=task_ids, **user)
            await self._count(plan)
            if plan.task_changes:
                ids = [row.task_id for row in plan.task_changes]
                rows = _json(plan.task_changes)
                await self._tx.execute(SQL["task_change"], rows=rows, ids=ids, **user)
            for run_id, settings in plan.run_settings.items():
                await self._tx.execute(
                    SQL["run_settle"], run_id=run_id, settings=_json(settings), **user
                )
            for run_id, event in plan.run_changes:
                await self._tx.execute(SQL["run_change"], run_id=run_id, **_change(event), **user)

    async def _count(self, plan: Plan) -> None:
        heads = {**dict.fromkeys(plan.runs), **plan.heads}
        if heads:
            await self._tx.execute(
                SQL["count"],
                user_id=self._user_id,
                run_ids=list(heads),
                heads=list(heads.values()),
                new_runs=list(plan.runs),
                new_messages=[row.id for row in plan.messages],
                new_tasks=[row.task_id for row in plan.tasks],
            )

    async def _price(self, rows: list[TaskRow]) -> None:
        """Give tasks their models, and their costs unless they came with them."""
        used: dict[tuple[str, str], tuple[UUID, OwnPrice | None]] = {}
        for row in rows:
            if not row.provider or not row.model:
                continue
            name = (row.provider, row.model)
            if name not in used:
                used[name] = await models.use(self._tx, self._user_id, *name)
            row.model_id, own = used[name]
            if row.cost is not None:
                row.price = {"source": "caller"}
            elif row.completed_at is not None:
                cost = prices.cost_of(row.usage, *name, own, row.created_at)
                row.cost, row.price = (cost.usd, cost.price) if cost else (None, None)

    async def _wait(self) -> None:
        if self._waiting:
            await self._tx.execute(
                SQL["wait"],
                user_id=self._user_id,
                needs=[needs for needs, _ in self._waiting],
                ids=[entry.event.id for _, entry in self._waiting],
                key_ids=[entry.key_id for _, entry in self._waiting],
                events=[_json(entry.event) for _, entry in self._waiting],
            )


async def _breathe(number: int) -> None:
    """Let others of the process go on, now and then: who streams must not wait for a batch."""
    if number % AT_A_STRETCH == AT_A_STRETCH - 1:
        await asyncio.sleep(0)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _change(event: RunEvent) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in (*CHANGED, *CHANGED_JSON)}
    given = {name: None if value is UNSET else value for name, value in values.items()}
    for name in CHANGED_JSON:
        given[name] = None if given[name] is None else _json(given[name])
    return given

"""Applies rules and empties trashes in the background, a little at a time.

Each process has one such loop; a lease on the user's row keeps all processes together at one user
at a time. Every batch is a short transaction as that user, and is followed by a pause as long as
itself, so that half of the database's time at most goes into it. A process that dies in the midst
has lost nothing: another takes over when the lease has run out, and begins with what is left.
"""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from msgspec.structs import replace

from airuns.errors import AirunsError, Unavailable
from airuns.server.db.door import As, Database, retried
from airuns.server.news import News
from airuns.server.retention import erase, store
from airuns.server.retention.rules import Emptying, Pass, Retention, Rule
from airuns.server.retention.store import NOWHERE, Place

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
LONGEST_PAUSE = 2.0
HOURS_BETWEEN = 6.0
HOURS_AFTER_FAILURE = 0.5


class Upkeep:
    """The loop of one process."""

    def __init__(self, db: Database, news: News, data_dir: Path) -> None:
        self._db = db
        self._data_dir = data_dir
        self._news = news
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin to look for work."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop at once; the batch that runs is rolled back."""
        self._loop.cancel()
        with suppress(asyncio.CancelledError):
            await self._loop

    def wake(self) -> None:
        """Look for work now: somebody has asked for some."""
        self._woken.set()

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self._turn():
                    pass
            except Unavailable:
                log.info("Upkeep waits for the database.")
            except Exception:  # upkeep outlives whatever goes wrong once
                log.exception("Upkeep failed; it is tried again.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)

    async def _turn(self) -> bool:
        """Work for the user who has waited longest; False when nobody waits."""
        user_id = await store.claim(self._db)
        if user_id is None:
            return False
        who = As(user_id)
        async with self._db.transaction(who) as tx:
            seen = await store.read(tx, user_id)
        try:
            await self._serve(who, seen)
        except (AirunsError, psycopg.Error) as error:
            async with self._db.transaction(who) as tx:
                await store.fail(tx, user_id, type(error).__name__)
                await store.release(tx, user_id, seen, HOURS_AFTER_FAILURE)
            raise
        async with self._db.transaction(who) as tx:
            await store.release(tx, user_id, seen, HOURS_BETWEEN if seen.rules else None)
        return True

    async def _serve(self, who: As, seen: Retention) -> None:
        if seen.erase_asked_at is not None:
            user = await erase.find(self._db, who.user_id)
            await erase.erase(self._db, user, self._data_dir, log.info)
            return
        if seen.emptying is not None and seen.emptying.ended_at is None:
            await self._empty(who, seen.emptying)
        if seen.rules:
            await self._apply(who, seen.rules)

    async def _empty(self, who: As, asked: Emptying) -> None:
        place: Place | None = NOWHERE
        while place is not None:
            began = time.monotonic()
            asked, place = await _emptied(self._db, who, asked, place)
            self._news.runs(who, "purge")
            await _pause(began)

    async def _apply(self, who: As, rules: list[Rule]) -> None:
        """Apply all rules, each to what the ones before it have left."""
        state = Pass(started_at=datetime.now(UTC))
        for rule in rules:
            place: Place | None = NOWHERE
            while place is not None:
                began = time.monotonic()
                state, change_id, place = await _applied(self._db, who, rule, state, place)
                if place is not None:
                    self._news.runs(who, rule.action, change_id)
                    await _pause(began)
        async with self._db.transaction(who) as tx:
            await store.note(tx, who.user_id, replace(state, ended_at=datetime.now(UTC)))


async def _pause(began: float) -> None:
    await asyncio.sleep(min(LONGEST_PAUSE, time.monotonic() - began))


@retried
async def _emptied(
    db: Database, who: As, asked: Emptying, after: Place
) -> tuple[Emptying, Place | None]:
    """Purge a batch and note it; after the last one also the prompts whose runs have gone."""
    async with db.transaction(who) as tx:
        count, place = await store.empty(tx, who.user_id, asked, after)
        asked = replace(asked, done=asked.done + count)
        if place is None:
            prompts = 0
            if asked.takes_prompts:
                prompts = await store.purge_prompts(tx, who.user_id, asked.started_at)
            asked = replace(asked, prompts=prompts, ended_at=datetime.now(UTC))
        await store.note(tx, who.user_id, asked)
    return asked, place


@retried
async def _applied(
    db: Database, who: As, rule: Rule, state: Pass, after: Place
) -> tuple[Pass, UUID | None, Place | None]:
    """Apply a rule to a batch and note it; also return the change that it can be undone by."""
    async with db.transaction(who) as tx:
        made = await store.apply(tx, who.user_id, rule, state.started_at, after)
        state = state.with_more(rule.action, made.count)
        if made.place is None and rule.takes_prompts:
            before = store.cutoff(rule, state.started_at)
            gone = await store.purge_prompts(tx, who.user_id, before)
            state = replace(state, prompts=state.prompts + gone)
        await store.note(tx, who.user_id, state)
    return state, made.change_id, made.place

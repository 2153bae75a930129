"""Who calls, and what they may: remembered, so that most calls cost no query.

What is remembered is fresh for a few seconds. When the database is away it goes on to be used, for
an hour at most, so that who could call goes on to.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import msgspec

from airuns.errors import BudgetSpent, Unauthenticated, Unavailable
from airuns.server.accounts.guard import Guard, Proof
from airuns.server.budgets import store as budgets
from airuns.server.db.door import As, Database
from airuns.server.gateway import store
from airuns.server.gateway.limits import RateLimits
from airuns.server.gateway.routing import Target, targets
from airuns.server.gateway.store import Alias
from airuns.server.models import catalog
from airuns.server.models import store as models
from airuns.server.models.call import Endpoint
from airuns.server.models.local import LocalModel
from airuns.server.models.vault import Vault
from airuns.server.settings import Settings

FRESH_SECONDS = 5.0
STALE_SECONDS = 3600.0
PATIENCE_SECONDS = 0.5  # with a database that may be away, when there is something to go on with
AWAY_SECONDS = 2.0
MOST = 10_000
NO_KEY = (
    "An API key of AI Runs is missing: send it as Authorization: Bearer air_… or x-api-key: air_…; "
    "make one in the settings or with: airuns key create NAME"
)


class Caller(msgspec.Struct, kw_only=True):
    """Somebody with an API key: what they can call, and why they may not."""

    who: As
    usable: list[Endpoint]
    aliases: dict[str, Alias]
    refused: BudgetSpent | None
    per_minute: int | None
    seen: float
    forgotten: int
    routes: dict[tuple[str, str, str], list[Target]] = {}

    def targets(self, model: str, fallback: str, path: str) -> list[Target]:
        """Return what to call for a model; `fallback` is a list of others, as in a header."""
        known = self.routes.get((model, fallback, path))
        if known is None:
            others = [one.strip() for one in fallback.split(",") if one.strip()]
            known = targets(model, others, self.aliases, self.usable, path)
            if len(self.routes) < 1000:
                self.routes[model, fallback, path] = known
        return known


class Callers:
    """The callers of one process."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        guard: Guard,
        local: LocalModel | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._db = db
        self._guard = guard
        self._local = local
        self._now = now
        self._vault: Vault | None = None
        self._known: dict[bytes, Caller] = {}
        self._asking: dict[bytes, asyncio.Task[Caller]] = {}
        self._away_until = 0.0
        self._rates = RateLimits(now)

    async def caller(self, key: str | None) -> Caller:
        """Return whose API key it is. Raises Unauthenticated, or Unavailable for an unknown one."""
        if not key:
            raise Unauthenticated(NO_KEY)
        proof = Proof.of("key", key)
        assert proof.digest is not None
        known = self._known.get(proof.digest)
        now = self._now()
        if known and now - known.seen < FRESH_SECONDS and self._is_current(known):
            return known
        if known and (now - known.seen > STALE_SECONDS or not self._is_current(known)):
            known = None
        if known and now < self._away_until:
            return known
        return await self._ask(proof, proof.digest, known)

    def admit(self, caller: Caller) -> None:
        """Let a call go on. Raises BudgetSpent, or TooManyRequests when it is one too many."""
        if caller.refused:
            raise caller.refused
        if caller.per_minute and caller.who.key_id:
            self._rates.take(caller.who.key_id, caller.per_minute)

    def _is_current(self, caller: Caller) -> bool:
        """False when this process has changed something that a caller depends on."""
        return caller.forgotten == self._guard.forgotten

    async def _ask(self, proof: Proof, digest: bytes, known: Caller | None) -> Caller:
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.create_task(self._load(proof))
            asking.add_done_callback(partial(self._asked, digest))
        try:
            patience = PATIENCE_SECONDS if known else None
            return await asyncio.wait_for(asyncio.shield(asking), patience)
        except (Unavailable, TimeoutError):
            self._away_until = self._now() + AWAY_SECONDS
            if known is None:
                raise
            return known

    def _asked(self, digest: bytes, asking: asyncio.Task[Caller]) -> None:
        del self._asking[digest]
        if asking.cancelled():
            return
        error = asking.exception()
        if isinstance(error, Unauthenticated):
            self._known.pop(digest, None)
        elif error is None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = asking.result()

    async def _load(self, proof: Proof) -> Caller:
        forgotten = self._guard.forgotten
        who = (await self._guard.check(proof)).who
        self._vault = self._vault or Vault.open(self._settings)
        refused = None
        async with self._db.transaction(who) as tx:
            stored = await models.providers(tx, who.user_id, self._vault)
            aliases = await store.aliases(tx, who.user_id)
            limit = await store.key_limit(tx, who.user_id, who.key_id) if who.key_id else None
            try:
                await budgets.check(tx, who, None)
            except BudgetSpent as spent:
                refused = spent
        return Caller(
            who=who,
            usable=catalog.endpoints(self._settings, stored, self._local),
            aliases={alias.name: alias for alias in aliases},
            refused=refused,
            per_minute=limit,
            seen=self._now(),
            forgotten=forgotten,
        )

"""GET /v1/models: what can be used, in the shape that the client's protocol has for it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput
from airuns.server.db.door import Database
from airuns.server.gateway.callers import Caller
from airuns.server.gateway.protocols import Dialect
from airuns.server.gateway.routing import NoSuchModel
from airuns.server.models import catalog, listing, store
from airuns.server.models.local import LocalModel

KEPT_SECONDS = 300.0
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""No provider's list is asked, so when a model came is not known."""

Names = list[tuple[str, str]]


class Models:
    """The lists of models of one process's callers, kept for some minutes."""

    def __init__(self, db: Database, local: LocalModel | None) -> None:
        self._db = db
        self._local = local
        self._kept: dict[tuple[UUID, Dialect, tuple[str, ...]], tuple[float, bytes]] = {}

    async def show(self, caller: Caller, dialect: Dialect, model: str) -> bytes:
        """Return the list as JSON, or one `model` of it. Raises NoSuchModel."""
        if model:
            return _one(caller, dialect, model)
        endpoints = tuple(sorted([*(one.name for one in caller.usable), "", *caller.aliases]))
        key = (caller.who.user_id, dialect, endpoints)
        kept = self._kept.get(key)
        if kept and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        names = await self._names(caller, dialect)
        body = _list(dialect, [_model(dialect, *one) for one in names])
        if len(self._kept) > 100:
            self._kept.clear()
        self._kept[key] = (time.monotonic(), body)
        return body

    async def _names(self, caller: Caller, dialect: Dialect) -> Names:
        async with self._db.transaction(caller.who) as tx:
            used = await store.models(tx, caller.who.user_id)
        usable = [
            one
            for one in caller.usable
            if one.protocol == "anthropic" or (dialect == "openai" and one.protocol == "openai")
        ]
        now = datetime.now(UTC)
        rows = await asyncio.to_thread(listing.models, usable, used, self._local, now)
        names = [(row.model, row.provider) for row in rows if row.usable]
        return [*((alias, "alias") for alias in caller.aliases), *names]


def _one(caller: Caller, dialect: Dialect, model: str) -> bytes:
    owner = "alias"
    if model not in caller.aliases:
        try:
            owner = catalog.resolve(model, caller.usable)[0].name
        except InvalidInput as error:
            raise NoSuchModel(error.detail, field="model") from None
    return msgspec.json.encode(_model(dialect, model, owner))


def _model(dialect: Dialect, name: str, owner: str) -> dict[str, Any]:
    if dialect == "anthropic":
        created = SINCE.isoformat().replace("+00:00", "Z")
        return {"type": "model", "id": name, "display_name": name, "created_at": created}
    created = int(SINCE.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


def _list(dialect: Dialect, models: list[dict[str, Any]]) -> bytes:
    if dialect == "openai":
        return msgspec.json.encode({"object": "list", "data": models})
    first, last = (models[0]["id"], models[-1]["id"]) if models else (None, None)
    page = {"data": models, "has_more": False, "first_id": first, "last_id": last}
    return msgspec.json.encode(page)

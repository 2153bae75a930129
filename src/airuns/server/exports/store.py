"""Exports that are made in the background: their rows, and the chunks of their files.

Every function works inside the caller's transaction, but the few that cross users.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.errors import Conflict, InvalidInput, NotFound
from airuns.server.db import queries
from airuns.server.db.door import SERVICE, Database, Transaction
from airuns.server.exports.formats import FormatName
from airuns.server.exports.reading import Branches, Everything, Which
from airuns.server.ids import new_id
from airuns.server.pages import Page, decode_cursor, page_of
from airuns.server.runs.lists import RunFilter

SQL = queries.load(__package__ or "")

MOST_UNENDED = 5


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A file of many runs that is made in the background. `size` is in bytes.

    `total_runs` is null until it has begun. Runs that the format cannot hold are `left_out`.
    One of `everything` has also what there is beside runs.
    """

    id: UUID
    everything: bool
    format: FormatName
    branches: Branches
    state: str
    file_name: str
    media_type: str
    total_runs: int | None
    done_runs: int
    left_out: int
    size: int
    error: str | None
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs an export has, as it is stored: one of the three."""

    ids: list[UUID] | None = None
    filter: RunFilter | None = None
    everything: bool = False

    @classmethod
    def of(cls, which: Which) -> "Selection":
        if isinstance(which, Everything):
            return cls(everything=True)
        return cls(filter=which) if isinstance(which, RunFilter) else cls(ids=which)

    @property
    def which(self) -> Which:
        return Everything() if self.everything else self.filter or self.ids or RunFilter()


class Turn(msgspec.Struct, frozen=True):
    """Whose turn it is: a user makes one export of each sort at a time."""

    user_id: UUID
    is_pdf: bool


class Found(msgspec.Struct, frozen=True):
    """An export that waits, or that a process has left."""

    user_id: UUID
    id: UUID
    is_pdf: bool
    seen_at: datetime | None

    @property
    def turn(self) -> Turn:
        return Turn(self.user_id, self.is_pdf)


class Claimed(msgspec.Struct, frozen=True):
    """What an export is to be."""

    format: FormatName
    branches: Branches
    which: dict[str, Any]
    file_name: str
    tries: int


class Progress(msgspec.Struct, kw_only=True):
    """How far an export has come."""

    total_runs: int = 0
    done_runs: int = 0
    left_out: int = 0
    size: int = 0


async def add(
    tx: Transaction, user_id: UUID, which: Which, format_: FormatName, branches: Branches
) -> Export:
    """Add an export that a worker makes. Raises Conflict when too many are being made."""
    unended = await tx.value(SQL["exports_unended"], user_id=user_id)
    if unended >= MOST_UNENDED:
        raise Conflict(
            f"{MOST_UNENDED} exports are being made already; wait for one, or delete it."
        )
    export_id = new_id()
    await tx.execute(
        SQL["export_insert"],
        user_id=user_id,
        id=export_id,
        format=format_,
        branches=branches,
        which=msgspec.json.encode(Selection.of(which)).decode(),
        file_name="",
        media_type="",
    )
    return await get(tx, user_id, export_id)


async def get(tx: Transaction, user_id: UUID, export_id: UUID) -> Export:
    """Return an export. Raises NotFound."""
    found = await tx.one(Export, SQL["export_get"], user_id=user_id, id=export_id)
    if found is None:
        raise NotFound(f"There is no export {export_id}.", field="export_id")
    return found


async def listed(tx: Transaction, user_id: UUID, cursor: str | None, limit: int) -> Page[Export]:
    """Return a page of exports, newest first."""
    before = decode_cursor(cursor, tuple[UUID])[0] if cursor else None
    rows = await tx.all(Export, SQL["export_list"], user_id=user_id, before=before, limit=limit + 1)
    return page_of(rows, limit, lambda row: (row.id,))


async def delete(tx: Transaction, user_id: UUID, export_id: UUID) -> None:
    """Remove an export and its file; one that is being made stops. Raises NotFound."""
    if not await tx.execute(SQL["export_delete"], user_id=user_id, id=export_id):
        raise NotFound(f"There is no export {export_id}.", field="export_id")


async def chunk(tx: Transaction, user_id: UUID, export_id: UUID, position: int) -> bytes | None:
    """Return a piece of an export's file, or None after the last."""
    return await tx.value(SQL["chunk_get"], user_id=user_id, id=export_id, position=position)


async def claimable(db: Database, lease: float) -> list[Found]:
    """Return exports that wait, or whose process has been silent for too long.

    Of each user the oldest PDF and the oldest of all others, the oldest of all users first.
    """
    async with db.transaction(SERVICE) as tx:
        return await tx.all(Found, SQL["exports_claimable"], lease=lease)


async def expire(db: Database) -> None:
    """Remove the exports of all users whose time is over."""
    async with db.transaction(SERVICE) as tx:
        await tx.execute(SQL["exports_expire"])


async def claim(tx: Transaction, found: Found, process_id: UUID) -> Claimed | None:
    """Take an export to make it, from its beginning; None when another process was first."""
    of = {"user_id": found.user_id, "id": found.id}
    claimed = await tx.one(
        Claimed, SQL["export_claim"], **of, process_id=process_id, seen_at=found.seen_at
    )
    if claimed is not None:
        await tx.execute(SQL["chunks_forget"], **of)
    return claimed


async def say(tx: Transaction, found: Found, process_id: UUID, progress: Progress) -> bool:
    """Keep how far an export has come; False when it was deleted, or taken by another process."""
    return bool(
        await tx.execute(
            SQL["export_progress"],
            user_id=found.user_id,
            id=found.id,
            process_id=process_id,
            **msgspec.structs.asdict(progress),
        )
    )


async def add_chunk(tx: Transaction, found: Found, position: int, content: bytes) -> None:
    """Keep a further piece of an export's file."""
    await tx.execute(
        SQL["chunk_insert"],
        user_id=found.user_id,
        id=found.id,
        position=position,
        content=content,
    )


async def end(
    tx: Transaction,
    found: Found,
    process_id: UUID,
    *,
    days: int,
    error: str | None = None,
    file_name: str = "",
    media_type: str = "",
) -> None:
    """Say that an export is done, or that it failed and why. It is kept for `days`."""
    await tx.execute(
        SQL["export_end"],
        user_id=found.user_id,
        id=found.id,
        process_id=process_id,
        state="failed" if error else "done",
        error=error and error[:1000],
        file_name=file_name,
        media_type=media_type,
        days=days,
    )
    if error:
        await tx.execute(SQL["chunks_forget"], user_id=found.user_id, id=found.id)


async def release(tx: Transaction, found: Found, process_id: UUID) -> None:
    """Leave an export to whichever process comes next."""
    await tx.execute(
        SQL["export_release"], user_id=found.user_id, id=found.id, process_id=process_id
    )


def check_ids(ids: list[UUID], most: int, field: str = "ids") -> list[UUID]:
    """Return ids of runs without doubles. Raises InvalidInput when there are none or too many."""
    if not 1 <= len(ids) <= most:
        raise InvalidInput(f"{field} must be 1 to {most} ids of runs.", field=field)
    return list(dict.fromkeys(ids))

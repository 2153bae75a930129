"""What was found, as it is shown: runs with their best message and what of it was searched for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from airuns.server.db.door import Transaction
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import RunRow
from airuns.server.search import match, walk
from airuns.server.search.match import Needle, Piece, Templates
from airuns.server.search.meaning_near import Near
from airuns.server.search.walk import SQL, Match

NOBODY = UUID(int=0)
"""The message of a document that is a run's own words."""

CLOSEST = 50


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was found, with the message that matches best, if it is not the name that does.

    `matches` is how many of its messages match, at most 200, its own words counting as one; `more`
    how many messages beside the one that is shown. `by` meaning: the words are nowhere in it, and
    the message is similar. `at` is when the newest match was, `said_at`
    when the message was. `name` and `snippet` are texts in pieces, what was searched for marked.
    `path` leads to the message.
    """

    run: RunRow
    name: list[Piece]
    snippet: list[Piece]
    message_id: UUID | None
    role: str | None
    said_at: datetime | None
    at: datetime
    matches: int
    more: int
    path: str
    by: Literal["words", "meaning"] = "words"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what a query finds.

    `query` is how it was read, `notices` what of it was not understood. `is_capped`: there is so
    much that only the newest was looked at. `waiting` texts (at most 1000) are not indexed yet, the
    oldest for `lag_seconds`.
    """

    items: list[Hit]
    next_cursor: str | None
    query: str
    notices: list[str]
    is_capped: bool
    waiting: int
    lag_seconds: float


class Matching(msgspec.Struct, frozen=True):
    """The runs that a query finds, the newest when there are more than were asked for."""

    run_ids: list[UUID]
    is_capped: bool


class FoundRun(RunRow, frozen=True, kw_only=True):
    """A run with what else of it is searched."""

    description: str


class _Message(msgspec.Struct, frozen=True):
    id: UUID
    role: str
    content: str
    created_at: datetime


async def hits(
    tx: Transaction,
    user_id: UUID,
    wanted: list[Needle],
    run_ids: list[UUID],
    asked: Templates | None,
    *,
    newest: bool,
    near: Mapping[UUID, Near],
) -> list[Hit]:
    """Return runs that were found as results show them: with the best message, or the newest.

    `near` has messages for runs in which no words match.
    """
    runs = await read_runs(tx, user_id, run_ids)
    found: dict[UUID, list[Match]] = {run.id: [] for run in runs}
    if asked is not None and runs:
        for each in await walk.in_runs(tx, user_id, asked, list(found)):
            if each.run_id in found:
                found[each.run_id].append(each)
    shown = {
        run_id: _shown(matches, newest) if matches else near.get(run_id)
        for run_id, matches in found.items()
    }
    ids = [each.message_id for each in shown.values() if each]
    rows = await tx.all(_Message, SQL["found_messages"], user_id=user_id, message_ids=ids)
    messages = {row.id: row for row in rows}
    return [_hit(run, found[run.id], shown[run.id], messages, wanted) for run in runs]


def _shown(matches: list[Match], newest: bool) -> Match | None:
    """Return the message to show of a run: the best of the newest, or just the newest."""
    of_messages = [each for each in matches if each.message_id != NOBODY]
    if not of_messages:
        return None
    if newest:
        return of_messages[0]
    return max(of_messages[:CLOSEST], key=lambda each: each.rank)


def _hit(
    run: FoundRun,
    matches: list[Match],
    shown: Match | Near | None,
    messages: dict[UUID, _Message],
    wanted: list[Needle],
) -> Hit:
    message = messages.get(shown.message_id) if shown else None
    path = path_of(run.id, run.prompt_id)
    return Hit(
        run=row_of(run),
        name=match.pieces(run.name, wanted),
        snippet=match.snippet(message.content if message else _about(run, wanted), wanted),
        message_id=message.id if message else None,
        role=message.role if message else None,
        said_at=message.created_at if message else None,
        at=max((each.at for each in matches), default=shown.at if shown else run.last_message_at),
        matches=len({each.message_id for each in matches}),
        more=len({each.message_id for each in matches} - {NOBODY, message.id if message else None}),
        path=f"{path}?message={message.id}#m-{message.id}" if message else path,
        by="meaning" if isinstance(shown, Near) else "words",
    )


def _about(run: FoundRun, wanted: list[Needle]) -> str:
    """Return what a run is shown with whose messages do not match."""
    is_described = any(piece.is_hit for piece in match.pieces(run.description, wanted))
    return run.description if is_described else run.preview


def row_of(run: FoundRun) -> RunRow:
    """Return a run as lists show it."""
    values = msgspec.structs.asdict(run)
    del values["description"]
    return RunRow(**values)


async def read_runs(tx: Transaction, user_id: UUID, run_ids: list[UUID]) -> list[FoundRun]:
    """Return runs in the order of their ids; those that are gone are left out."""
    rows = await tx.all(FoundRun, SQL["found_runs"], user_id=user_id, run_ids=run_ids)
    by_id = {row.id: row for row in rows}
    return [by_id[run_id] for run_id in run_ids if run_id in by_id]

"""What the pages of prompts read beside the lists of the API: no more than they show."""

from decimal import Decimal
from uuid import UUID

import msgspec

from airuns.errors import NotFound
from airuns.server.db import queries
from airuns.server.db.door import Transaction

SQL = queries.load(__package__ or "")


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of a prompt's newest version."""

    id: UUID
    model: str | None
    variables: list[str]


class Counts(msgspec.Struct, frozen=True):
    """How many prompts somebody has, and how many deleted ones."""

    kept: int
    deleted: int


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution asked and what came, in full."""

    id: UUID
    run_id: UUID
    prompt_id: UUID
    prompt_version: int | None
    status: str
    provider: str | None
    model: str | None
    prompt_text: str | None
    response: str
    error_message: str | None
    tokens_input: int | None
    tokens_cache_read: int | None
    tokens_output: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None


async def contents(tx: Transaction, user_id: UUID, ids: list[UUID]) -> dict[UUID, Content]:
    """Return what the rows of these prompts say of their newest versions, by id."""
    rows = await tx.all(Content, SQL["contents"], user_id=user_id, ids=ids)
    return {row.id: row for row in rows}


async def counts(tx: Transaction, user_id: UUID) -> Counts:
    """Return how many prompts there are."""
    [row] = await tx.all(Counts, SQL["count_prompts"], user_id=user_id)
    return row


async def count_runs(tx: Transaction, user_id: UUID, prompt_id: UUID) -> int:
    """Return how many runs a prompt has."""
    count: int = await tx.value(SQL["count_runs"], user_id=user_id, prompt_id=prompt_id)
    return count


async def execution(tx: Transaction, user_id: UUID, prompt_id: UUID, task_id: UUID) -> Exchange:
    """Return one execution in full. Raises NotFound."""
    row = await tx.one(
        Exchange, SQL["execution"], user_id=user_id, prompt_id=prompt_id, task_id=task_id
    )
    if row is None:
        raise NotFound(f"The prompt {prompt_id} has no execution {task_id}.", field="task_id")
    return row

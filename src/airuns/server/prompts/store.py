"""Prompts: templates with variables, in versions that never change."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.prompts.rules import Message, Variable

SQL = queries.load(__package__ or "")


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as of one version."""

    id: UUID
    name: str
    description: str
    tags: list[str]
    version: int
    messages: list[Message]
    variables: list[Variable]
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


async def read(
    tx: Transaction, user_id: UUID, prompt_id: UUID, version: int | None = None
) -> Prompt | None:
    """Return a prompt as of a version (None: its newest), or None when there is no such thing."""
    rows = await tx.rows(SQL["prompt_read"], user_id=user_id, prompt_id=prompt_id, version=version)
    return msgspec.convert(rows[0], Prompt) if rows else None

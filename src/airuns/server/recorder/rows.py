"""Rows as the recorder writes them: JSON that PostgreSQL reads as records, by these names."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from airuns.server.models.call import Usage
from airuns.server.recorder.known import KnownRun
from airuns.server.recorder.told import Told
from airuns.server.runs.rules import request_bytes


class RunRow(msgspec.Struct, kw_only=True):
    """A run that begins."""

    id: UUID
    source_type: str
    name: str
    created_at: datetime
    prompt_version: int | None = None
    source_id: str | None = None
    description: str = ""
    tags: list[str] = []
    settings: dict[str, Any] = {}
    variable_values: dict[str, Any] = {}
    broker_values: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is added; the hash in hexadecimal."""

    id: UUID
    run_id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    content: str
    data: dict[str, Any] | None
    chain_hash: str
    task_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime


class TaskRow(msgspec.Struct, kw_only=True):
    """A task that is added, or what changes of one: then null leaves a column as it is."""

    task_id: UUID
    run_id: UUID
    source_type: str
    prompt_id: UUID | None
    prompt_version: int | None
    key_id: UUID | None
    request_message_id: UUID | None
    service: str | None
    task_name: str | None
    provider: str | None
    endpoint: str | None
    model: str | None
    request_data: dict[str, Any] | None
    request_hash: str | None
    response_text: str | None
    response_data: Any
    response_info: Any
    response_errors: Any
    tool_updates: Any
    response_metadata: Any
    tokens_input: int | None
    tokens_output: int | None
    tokens_total: int | None
    tokens_cache_read: int | None
    tokens_cache_write_5m: int | None
    tokens_cache_write_1h: int | None
    tokens_reasoning: int | None
    usage_estimated: bool
    cost: Decimal | None
    time_to_first_token: float | None
    total_time: float | None
    status: str
    created_at: datetime
    completed_at: datetime | None
    model_id: UUID | None = None
    price: Any = None

    @property
    def usage(self) -> Usage:
        """Its tokens."""
        return Usage(
            input=self.tokens_input,
            output=self.tokens_output,
            cache_read=self.tokens_cache_read,
            cache_write_5m=self.tokens_cache_write_5m,
            cache_write_1h=self.tokens_cache_write_1h,
            reasoning=self.tokens_reasoning,
        )


def task_row(told: Told, run: KnownRun, question_id: UUID | None) -> TaskRow:
    """Return a task's row; its model's id, its cost and its price come later."""
    usage = told.usage
    request, digest = told.request_data, None
    if told.turns is not None:
        request = {"model": told.model, **(request or {}), "messages": None}
    if request is not None:
        messages = [turn.message for turn in told.turns or []]
        digest = hashlib.sha256(request_bytes(request, messages)).hexdigest()
    return TaskRow(
        task_id=told.task_id,
        run_id=run.id,
        source_type=run.source_type,
        prompt_id=run.prompt_id,
        prompt_version=run.prompt_version,
        key_id=told.key_id,
        request_message_id=question_id,
        service=told.service,
        task_name=told.task_name,
        provider=told.provider,
        endpoint=told.endpoint,
        model=told.model,
        request_data=request,
        request_hash=digest,
        response_text=told.response_text,
        response_data=told.response_data,
        response_info=told.response_info,
        response_errors=told.response_errors,
        tool_updates=told.tool_updates,
        response_metadata=told.response_metadata,
        tokens_input=usage.input,
        tokens_output=usage.output,
        tokens_total=usage.total,
        tokens_cache_read=usage.cache_read,
        tokens_cache_write_5m=usage.cache_write_5m,
        tokens_cache_write_1h=usage.cache_write_1h,
        tokens_reasoning=usage.reasoning,
        usage_estimated=usage.estimated,
        cost=told.cost,
        time_to_first_token=told.time_to_first_token,
        total_time=told.total_time,
        status=told.status,
        created_at=told.at,
        completed_at=told.completed_at,
    )

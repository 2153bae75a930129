"""Records of an archive as they are read: types and bounds, because a file is not to be trusted.

JSON columns stay as the bytes that they were written as. Whose rows they become is never said by
the file.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from airuns.server.retention.rules import MOST_RULES, Rule

Text = Annotated[str, msgspec.Meta(max_length=50_000_000)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
URL = r"^https?://[^\s/?#]+[^\s#]*$"
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,60}(\.[0-9]{1,60})?$")]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Tags = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=50)]], msgspec.Meta(max_length=50)
]
Status = Literal["pending", "streaming", "completed", "error", "timeout", "cancelled"]


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One row of the archive."""


class ProviderRecord(Record, frozen=True, kw_only=True, tag="provider"):
    """Where models are called. `has_key` says that there was a key; the key itself is nowhere."""

    id: UUID
    name: Annotated[str, msgspec.Meta(pattern=r"^(?!local$)[a-z0-9][a-z0-9._-]{0,62}$")]
    protocol: Literal["openai", "anthropic", "any-llm"]
    base_url: Annotated[str, msgspec.Meta(pattern=URL, max_length=2000)] | None
    has_key: bool
    created_at: Time
    updated_at: Time


class AliasRecord(Record, frozen=True, kw_only=True, tag="alias"):
    """A user's own name of a model, for the gateway."""

    id: UUID
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=264)]
    fallbacks: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=264)]],
        msgspec.Meta(max_length=5),
    ]
    created_at: Time
    updated_at: Time


class ModelRecord(Record, frozen=True, kw_only=True, tag="model"):
    """A model that tasks name; in an archive of everything with the user's own size and prices."""

    id: UUID
    provider: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    context_size: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    price_input: Amount | None = None
    price_output: Amount | None = None
    price_cache_read: Amount | None = None
    price_cache_write_5m: Amount | None = None
    price_cache_write_1h: Amount | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class PromptRecord(Record, frozen=True, kw_only=True, tag="prompt"):
    """A prompt; its versions follow."""

    id: UUID
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    description: Annotated[str, msgspec.Meta(max_length=10000)]
    tags: Tags
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    created_at: Time
    updated_at: Time
    deleted_at: Time | None


class VersionRecord(Record, frozen=True, kw_only=True, tag="version"):
    """A version of the prompt before it."""

    id: UUID
    prompt_id: UUID
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    messages: msgspec.Raw
    variables: msgspec.Raw
    settings: msgspec.Raw
    created_at: Time


class BudgetRecord(Record, frozen=True, kw_only=True, tag="budget"):
    """What may be spent; amounts in USD."""

    id: UUID
    name: Label
    key_id: UUID | None
    prompt_id: UUID | None
    period: Literal["day", "week", "month"]
    amount: Amount
    is_hard: bool
    created_at: Time
    updated_at: Time


class RulesRecord(Record, frozen=True, kw_only=True, tag="rules"):
    """All rules for old runs, in their order."""

    rules: msgspec.Raw


class RunRecord(Record, frozen=True, kw_only=True, tag="run"):
    """A run; what it holds follows. Its counts and totals are computed anew."""

    id: UUID
    source_type: Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"]
    source_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None
    prompt_version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None
    name: Label
    description: Annotated[str, msgspec.Meta(max_length=10000)]
    tags: Tags
    settings: msgspec.Raw
    variable_values: msgspec.Raw
    broker_values: msgspec.Raw
    attachments: msgspec.Raw
    metadata: msgspec.Raw
    status: Literal["active", "completed", "error"]
    is_starred: bool
    head_message_id: UUID | None
    preview: Annotated[str, msgspec.Meta(max_length=160)]
    last_task_id: UUID | None
    created_at: Time
    updated_at: Time
    last_message_at: Time
    archived_at: Time | None
    deleted_at: Time | None


class AttachmentRecord(Record, frozen=True, kw_only=True, tag="attachment"):
    """A file of the run before it."""

    id: UUID
    run_id: UUID
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    media_type: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    size: int
    sha256: Hash
    created_at: Time
    content: bytes


class TaskRecord(Record, frozen=True, kw_only=True, tag="task"):
    """A task of the run before it."""

    task_id: UUID
    run_id: UUID
    key_id: UUID | None
    request_message_id: UUID | None
    service: Annotated[str, msgspec.Meta(max_length=100)]
    task_name: Annotated[str, msgspec.Meta(max_length=100)]
    provider: Annotated[str, msgspec.Meta(max_length=100)] | None
    endpoint: Annotated[str, msgspec.Meta(max_length=2000)] | None
    model: Annotated[str, msgspec.Meta(max_length=300)] | None
    model_id: UUID | None
    request_data: msgspec.Raw
    request_hash: Hash | None
    response_text: Text
    response_data: msgspec.Raw
    response_info: msgspec.Raw
    response_errors: msgspec.Raw
    tool_updates: msgspec.Raw
    response_metadata: msgspec.Raw
    tokens_input: Tokens | None
    tokens_output: Tokens | None
    tokens_total: Tokens | None
    tokens_cache_read: Tokens | None
    tokens_cache_write_5m: Tokens | None
    tokens_cache_write_1h: Tokens | None
    tokens_reasoning: Tokens | None
    usage_estimated: bool
    cost: Amount | None
    price: msgspec.Raw
    time_to_first_token: Seconds | None
    total_time: Seconds | None
    status: Status
    process_id: UUID | None
    cancel_requested_at: Time | None
    created_at: Time
    updated_at: Time
    completed_at: Time | None


class MessageRecord(Record, frozen=True, kw_only=True, tag="message"):
    """A message of the run before it; its parent comes before it."""

    id: UUID
    run_id: UUID
    parent_id: UUID | None
    depth: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text
    data: msgspec.Raw
    chain_hash: Hash
    task_id: UUID | None
    metadata: msgspec.Raw
    created_at: Time


Head = (
    ProviderRecord
    | AliasRecord
    | ModelRecord
    | PromptRecord
    | BudgetRecord
    | RunRecord
    | RulesRecord
)
AnyRecord = Head | VersionRecord | AttachmentRecord | TaskRecord | MessageRecord

_decoder = msgspec.json.Decoder(AnyRecord)

_OBJECT, _LIST = dict[str, Any], list[Any]
_SHAPES: dict[str, Any] = {
    **dict.fromkeys(
        ("settings", "variable_values", "broker_values", "metadata", "request_data"), _OBJECT
    ),
    **dict.fromkeys(
        ("data", "response_data", "response_info", "response_errors", "response_metadata", "price"),
        _OBJECT | None,
    ),
    "tool_updates": list[_OBJECT] | None,
    "attachments": list[_OBJECT],
    "messages": list[_OBJECT],
    "rules": Annotated[list[Rule], msgspec.Meta(max_length=MOST_RULES)],
    "variables": _LIST,
}


def read(record: bytes) -> AnyRecord:
    """Read a record. Raises msgspec.ValidationError, saying which field cannot be used."""
    return _decoder.decode(record)


def value(record: Record, field: str) -> Any:
    """Return what a JSON column of a record holds. Raises msgspec.ValidationError."""
    try:
        return msgspec.json.decode(getattr(record, field), type=_SHAPES[field])
    except msgspec.DecodeError as error:
        raise msgspec.ValidationError(f"{field}: {error}") from None


def json_fields(record: Record) -> list[str]:
    """Return the JSON columns of a record."""
    return [
        name for name in record.__struct_fields__ if isinstance(getattr(record, name), msgspec.Raw)
    ]

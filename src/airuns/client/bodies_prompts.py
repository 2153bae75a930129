"""What the API is asked: prompts. Written by `python -m tools.client_types`."""

from datetime import datetime
from typing import Any, Literal, Required, TypedDict


class AliasChange(TypedDict, total=False):
    model: Required[str]
    fallbacks: list[str]


class PriceChange(TypedDict, total=False):
    input: Required[str]
    output: Required[str]
    cache_read: str | None
    cache_write_5m: str | None
    cache_write_1h: str | None


class ProviderChange(TypedDict, total=False):
    protocol: Literal["openai", "anthropic", "any-llm"]
    base_url: str | None
    key: str | None


class Trial(TypedDict, total=False):
    model: str | None


class PromptMessage(TypedDict, total=False):
    role: Required[Literal["system", "developer", "user", "assistant"]]
    content: Required[list[dict[str, Any]] | str]


class Variable(TypedDict, total=False):
    name: Required[str]
    default: bool | float | int | str | None
    required: bool
    description: str


class NewPrompt(TypedDict, total=False):
    name: Required[str]
    messages: Required[list[PromptMessage]]
    variables: list[Variable]
    settings: dict[str, Any]
    description: str
    tags: list[str]


class WholePrompt(TypedDict, total=False):
    name: Required[str]
    messages: Required[list[PromptMessage]]
    variables: list[Variable]
    settings: dict[str, Any]
    description: str
    tags: list[str]
    version: int | None


class PromptChange(TypedDict, total=False):
    name: str
    messages: list[PromptMessage]
    variables: list[Variable]
    settings: dict[str, Any]
    description: str
    tags: list[str]
    version: int | None


class Copy(TypedDict, total=False):
    name: str | None


class ListModelsQuery(TypedDict, total=False):
    provider: str | None
    usable: bool | None


class ListPromptsQuery(TypedDict, total=False):
    q: str
    sort: Literal["recent", "name"]
    deleted: bool
    cursor: str | None
    limit: int | None


class GetPromptQuery(TypedDict, total=False):
    version: int | None


class DeletePromptQuery(TypedDict, total=False):
    purge: bool


class ListVersionsQuery(TypedDict, total=False):
    cursor: str | None
    limit: int | None


class ListHistoryQuery(TypedDict, total=False):
    status: Literal["success", "error", "timeout", "pending", "cancelled"] | None
    model: str | None
    version: int | None
    tag: str | None
    since: datetime | str | None
    before: datetime | str | None
    q: str | None
    cursor: str | None
    limit: int | None


class DownloadHistoryQuery(TypedDict, total=False):
    status: Literal["success", "error", "timeout", "pending", "cancelled"] | None
    model: str | None
    version: int | None
    tag: str | None
    since: datetime | str | None
    before: datetime | str | None
    q: str | None

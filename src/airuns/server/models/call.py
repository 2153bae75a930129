"""What a model call is: the types between the engine, which runs calls, and the protocols.

A call's body is bytes made by a pure function of the endpoint, the model, the messages and the
settings, so that a stored request can be rebuilt to the byte.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec

from airuns.server.models.texts import clean

Protocol = Literal["openai", "anthropic", "any-llm"]
FailureKind = Literal["provider", "connection", "timeout", "protocol"]

MAX_MESSAGE = 10_000
MAX_NAME = 200  # of what a provider names: a code, an id of a request, a model


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where models are called: `name` is the first part of a model's name, as in openai/gpt-4o.

    `models` are the only ones that it has; empty says nothing.
    """

    name: str
    protocol: Protocol
    base_url: str
    key: str | None = None
    models: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r})"  # never the key


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model.

    `model` is the provider's own name for it. `messages` are in the OpenAI chat shape ({role,
    content, …}); `settings` are the other fields (temperature, max_tokens, tools, …).
    """

    endpoint: Endpoint
    model: str
    messages: list[dict[str, Any]]
    settings: dict[str, Any]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to connect, until the first token, between two pieces, and for the whole answer."""

    connect: float
    first_token: float
    between_tokens: float
    total: float


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a call. None is unknown, 0 is none.

    `input` counts all input (uncached + cache_read + cache_write_5m + cache_write_1h), whichever
    way the provider counts; `reasoning` is part of `output`.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    estimated: bool = False

    @property
    def total(self) -> int | None:
        return None if self.input is None or self.output is None else self.input + self.output


class Text(msgspec.Struct, frozen=True):
    """A piece of the answer, never empty.

    It is free of what PostgreSQL cannot store: NUL and lone surrogates.
    """

    text: str


class Reasoning(msgspec.Struct, frozen=True):
    """A piece of the model's reasoning; not part of the answer."""

    text: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A whole call of a tool; `arguments` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


class Progress(msgspec.Struct, frozen=True):
    """Something came that is not whole yet, such as a part of a tool call.

    It says that the answer has begun.
    """


class Counted(msgspec.Struct, frozen=True):
    """What the provider has counted so far, before any of the answer: the input, and no output."""

    usage: Usage


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the answer, always the last piece.

    `usage` is None when the provider gave none; `info` holds what else it said of the response
    (id, model, system_fingerprint, …) and the provider's request id, all of them short clean texts.
    """

    reason: str | None
    usage: Usage | None
    info: dict[str, str]


Piece = Text | Reasoning | Progress | ToolCall | Counted | Finished
Pieces = AsyncIterator[Piece]


class ProviderError(Exception):
    """A model call failed. `message` is the provider's own where it gave one.

    `kind` is "timeout" when a limit of ours ran out. `transient` errors (429, 5xx, a connection
    that fails or breaks) may go away on a further try; `retry_after` is the wait in seconds that
    the provider asked for. Its texts are clean and of sensible length, whatever it is made of.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind = "provider",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.message = clean(message, MAX_MESSAGE)
        super().__init__(self.message)
        self.kind: FailureKind = kind
        self.status = status
        self.code = None if code is None else clean(code, MAX_NAME)
        self.request_id = None if request_id is None else clean(request_id, MAX_NAME)
        self.transient = transient
        self.retry_after = retry_after

"""OpenAI's chat completions, and every endpoint that speaks them.

Source: OpenAI API reference, "Create chat completion" and its streaming events. Where other
providers are known to differ, the difference is named at the place that copes with it.
"""

from typing import Any, cast

import msgspec

from airuns.server.models import failures
from airuns.server.models.answer import Answer, decode
from airuns.server.models.call import Call, Endpoint, Piece, Usage
from airuns.server.models.chat import openai_messages
from airuns.server.models.sse import Event
from airuns.server.models.usage import Counts

PATH = "chat/completions"

# Mistral refuses fields that it does not know with 422, and gives usage unasked.
REFUSES_STREAM_OPTIONS = frozenset({"mistral"})
# A run that was recorded from Anthropic may have marks of what to cache; others pass them on.
REFUSES_MARKS = frozenset({"openai", "mistral"})


def headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers that carry the key."""
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def body(call: Call) -> bytes:
    """Return the request's JSON; the same call gives the same bytes.

    A setting that is null is left out, be it one of ours: `stream_options: null` sends none.
    """
    ours: dict[str, Any] = {"stream_options": {"include_usage": True}}
    if call.endpoint.name in REFUSES_STREAM_OPTIONS:
        ours = {}
    marks = call.endpoint.name not in REFUSES_MARKS
    fixed = {"model": call.model, "messages": openai_messages(call.messages, marks=marks)}
    fields = fixed | ours | call.settings | fixed | {"stream": True}
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Tool(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Tool] | None = None


class _Choice(msgspec.Struct):
    index: int | None = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _CacheWrites(Counts):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _InputDetails(Counts):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_token_details: _CacheWrites | None = None


class _OutputDetails(Counts):
    reasoning_tokens: int | None = None


class Tokens(Counts):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Tokens | None = None
    error: Any = None
    id: Any = None
    model: Any = None
    system_fingerprint: Any = None
    service_tier: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class Decoder:
    """Reads the chunks of a stream; one whole answer (`chat.completion`) is read as one chunk."""

    def __init__(self) -> None:
        self.answer = Answer()

    def feed(self, event: Event) -> list[Piece]:
        """Return what the event adds to the answer. Raises ProviderError."""
        if event.data == b"[DONE]":
            self.answer.ended = True
            return []
        chunk = decode(_CHUNK, event.data)
        if chunk.error is not None:
            raise failures.in_stream(chunk.error)
        if chunk.usage is not None:
            self.answer.usage = usage_of(chunk.usage)
        if not self.answer.info:
            self.answer.note(id=chunk.id, model=chunk.model)
        self.answer.note(
            system_fingerprint=chunk.system_fingerprint, service_tier=chunk.service_tier
        )
        pieces: list[Piece] = []
        for choice in chunk.choices or ():
            if not choice.index:
                pieces += self._choice(choice)
        return pieces

    def _choice(self, choice: _Choice) -> list[Piece]:
        pieces: list[Piece] = []
        delta = choice.delta or choice.message
        if delta is not None:
            if reasoning := delta.reasoning_content or delta.reasoning:
                pieces += self.answer.reasoning(reasoning)
            if isinstance(delta.content, str):
                pieces += self.answer.text(delta.content) if delta.content else []
            elif delta.content is not None:
                pieces += self._parts(delta.content)
            if delta.refusal:
                pieces += self.answer.text(delta.refusal)
            for tool in delta.tool_calls or ():
                function = tool.function or _Function()
                pieces += self.answer.tool(tool.index, tool.id, function.name, function.arguments)
        if choice.finish_reason:
            self.answer.reason = choice.finish_reason
        return pieces

    def _parts(self, parts: list[dict[str, Any]]) -> list[Piece]:
        """Read content that comes as parts, as Mistral's reasoning models send it."""
        pieces: list[Piece] = []
        for part in parts:
            if isinstance(text := part.get("text"), str):
                pieces += self.answer.text(text)
            if isinstance(thoughts := part.get("thinking"), list):
                thought = "".join(one.get("text", "") for one in cast("list[Any]", thoughts))
                pieces += self.answer.reasoning(thought)
        return pieces


def usage_of(usage: Tokens) -> Usage:
    """Translate: `prompt_tokens` includes cached ones, `completion_tokens` reasoning.

    Gemini and xAI leave reasoning out of `completion_tokens` but not out of `total_tokens`;
    DeepSeek has its own name for cached tokens. Cache writes of no stated lifetime live 5 minutes.
    """
    read = usage.prompt_tokens_details or _InputDetails()
    writes = read.cache_creation_token_details or _CacheWrites()
    write_5m = writes.ephemeral_5m_input_tokens
    if write_5m is None and writes.ephemeral_1h_input_tokens is None:
        write_5m = read.cache_write_tokens
    output = usage.completion_tokens
    if output is not None and usage.total_tokens is not None and usage.prompt_tokens is not None:
        output = max(output, usage.total_tokens - usage.prompt_tokens)
    hits = usage.prompt_cache_hit_tokens
    return Usage(
        input=usage.prompt_tokens,
        output=output,
        cache_read=hits if read.cached_tokens is None else read.cached_tokens,
        cache_write_5m=write_5m,
        cache_write_1h=writes.ephemeral_1h_input_tokens,
        reasoning=(usage.completion_tokens_details or _OutputDetails()).reasoning_tokens,
    )

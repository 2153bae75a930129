"""Anthropic's messages.

Source: Anthropic API reference, "Messages" and "Streaming messages" (version 2023-06-01).
"""

from typing import Any

import msgspec

from airuns.server.models import failures
from airuns.server.models.answer import Answer, decode
from airuns.server.models.call import Call, Counted, Endpoint, Piece, Usage
from airuns.server.models.chat import anthropic_messages, anthropic_settings
from airuns.server.models.sse import Event
from airuns.server.models.usage import Counts, possible

PATH = "messages"
VERSION = "2023-06-01"
DEFAULT_MAX_TOKENS = 4096


def headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers that carry the key and the protocol's version."""
    key = {} if endpoint.key is None else {"x-api-key": endpoint.key}
    return key | {"anthropic-version": VERSION}


def body(call: Call) -> bytes:
    """Return the request's JSON; the same call gives the same bytes.

    `max_tokens`, which the protocol demands, is DEFAULT_MAX_TOKENS unless the settings say.
    """
    system, messages = anthropic_messages(call.messages)
    settings = {name: value for name, value in call.settings.items() if value is not None}
    fixed: dict[str, Any] = {"model": call.model, "messages": messages, "stream": True}
    if system:
        fixed["system"] = system
    fields = fixed | {"max_tokens": DEFAULT_MAX_TOKENS} | anthropic_settings(settings) | fixed
    return msgspec.json.encode(fields)


class _CacheWrites(Counts):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class Tokens(Counts):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheWrites | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class _Message(msgspec.Struct):
    id: Any = None
    model: Any = None
    content: list[_Block] = []
    stop_reason: str | None = None
    usage: Tokens | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(_Message):
    type: str = ""
    index: int | None = None
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)


class Decoder:
    """Reads the events of a stream; one whole answer (`message`) is read as one event."""

    def __init__(self) -> None:
        self.answer = Answer()
        self._usage = Tokens()

    def feed(self, event: Event) -> list[Piece]:
        """Return what the event adds to the answer. Raises ProviderError."""
        told = decode(_EVENT, event.data)
        match told.type:
            case "content_block_delta" if told.delta is not None:
                return self._delta(told.index, told.delta)
            case "content_block_start" if told.content_block is not None:
                return self._block(told.index, told.content_block)
            case "message_start" if told.message is not None:
                self._message(told.message)
                if told.message.usage is not None:
                    self.answer.usage = None  # its output is not known before the end
                    so_far = msgspec.structs.replace(usage_of(self._usage), output=None)
                    return [Counted(possible(so_far))]
            case "message_delta":
                self._message(told)
                if told.delta is not None:
                    self.answer.reason = told.delta.stop_reason
            case "message_stop":
                self.answer.ended = True
            case "message":
                return self._whole(told)
            case "error":
                raise failures.in_stream(told.error)
            case _:
                pass
        return []

    def _message(self, message: _Message) -> None:
        self.answer.note(id=message.id, model=message.model)
        if message.usage is not None:
            self._usage = later(self._usage, message.usage)
            self.answer.usage = usage_of(self._usage)

    def _block(self, index: int | None, block: _Block) -> list[Piece]:
        if block.type == "tool_use":
            return self.answer.tool(index, block.id, block.name, "")
        return self._delta(index, _Delta(text=block.text, thinking=block.thinking))

    def _delta(self, index: int | None, delta: _Delta) -> list[Piece]:
        if delta.text:
            return self.answer.text(delta.text)
        if delta.thinking:
            return self.answer.reasoning(delta.thinking)
        if delta.partial_json:
            return self.answer.tool(index, None, None, delta.partial_json)
        return []

    def _whole(self, message: _Event) -> list[Piece]:
        self._message(message)
        self.answer.reason = message.stop_reason
        self.answer.ended = True
        pieces: list[Piece] = []
        for index, block in enumerate(message.content):
            pieces += self._block(index, block)
            if block.type == "tool_use":
                arguments = msgspec.json.encode(block.input).decode()
                pieces += self.answer.tool(index, None, None, arguments)
        return pieces


def later(before: Tokens, now: Tokens) -> Tokens:
    """Put together what two events say; counts are cumulative, so the later one wins."""
    told = {name: value for name, value in msgspec.structs.asdict(now).items() if value is not None}
    return msgspec.structs.replace(before, **told)


def usage_of(usage: Tokens) -> Usage:
    """Translate: `input_tokens` is what was neither read from a cache nor written to one.

    Cache writes without a stated lifetime live 5 minutes, the protocol's default.
    """
    writes = usage.cache_creation or _CacheWrites(usage.cache_creation_input_tokens)
    write_5m, write_1h = writes.ephemeral_5m_input_tokens, writes.ephemeral_1h_input_tokens
    cached = (usage.cache_read_input_tokens or 0) + (write_5m or 0) + (write_1h or 0)
    return Usage(
        input=None if usage.input_tokens is None else usage.input_tokens + cached,
        output=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
    )

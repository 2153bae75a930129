"""Calls of the scripted provider, and what came of them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp

from airuns.server.models.call import (
    Call,
    Endpoint,
    Finished,
    Piece,
    Protocol,
    Reasoning,
    Text,
    Timeouts,
    ToolCall,
)
from airuns.server.models.transport import stream
from tests.provider import ScriptedProvider

KEY = "sk-very-secret"
PATIENT = Timeouts(connect=10, first_token=10, between_tokens=10, total=30)
ASK = [{"role": "user", "content": "one two three"}]


def call(
    server: ScriptedProvider, model: str, protocol: Protocol = "openai", **settings: Any
) -> Call:
    """A call of a scripted model."""
    endpoint = Endpoint(name="scripted", protocol=protocol, base_url=f"{server.url}/v1", key=KEY)
    return Call(endpoint=endpoint, model=model, messages=ASK, settings=settings)


@asynccontextmanager
async def opened(asked: Call, timeouts: Timeouts = PATIENT) -> AsyncIterator[AsyncIterator[Piece]]:
    """The stream of a call."""
    async with aiohttp.ClientSession() as session, aclosing(stream(asked, session, timeouts)) as it:
        yield it


async def pieces_of(asked: Call, timeouts: Timeouts = PATIENT) -> list[Piece]:
    """Every piece of a call's answer."""
    async with opened(asked, timeouts) as pieces:
        return [piece async for piece in pieces]


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def reasoning_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Reasoning))


def tools_of(pieces: list[Piece]) -> list[ToolCall]:
    return [piece for piece in pieces if isinstance(piece, ToolCall)]


def end_of(pieces: list[Piece]) -> Finished:
    assert isinstance(pieces[-1], Finished)
    assert not any(isinstance(piece, Finished) for piece in pieces[:-1])
    return pieces[-1]

"""Events of a task as server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from litestar.response import Stream

from airuns.server import money
from airuns.server.runs.feed import PING, Event


def stream(events: AsyncGenerator[Event]) -> Stream:
    """Answer with events as they happen.

    `event:` is the event's name, `data:` its JSON, and `id:` the length of the text after it: a
    client that sends it back as Last-Event-ID gets exactly the rest.
    """
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Stream(_encoded(events), media_type="text/event-stream", headers=headers)


async def _encoded(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for event in events:
            if event.name == PING:
                yield b": ping\n\n"
            else:
                data = _on_one_line(money.encode(event.data))
                yield b"event: %s\nid: %d\ndata: %s\n\n" % (
                    event.name.encode(),
                    event.offset,
                    data,
                )


def _on_one_line(data: bytes) -> bytes:
    """Escape what some clients take for the end of a line: U+0085, U+2028 and U+2029."""
    for character in ("\x85", "\u2028", "\u2029"):
        data = data.replace(character.encode(), b"\\u%04x" % ord(character))
    return data

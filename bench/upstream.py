"""A model provider that costs next to nothing, in a process of its own.

python -m bench.upstream DELAY_MS: answers chat completions, streamed in 20 pieces where it is asked
for, after a delay; prints its address. Streamed pieces are written one by one.
"""

import asyncio
import json
import sys
from typing import Any

PIECES = 20


def _document(kind: str, choice: dict[str, Any], **more: Any) -> bytes:
    head = {"id": "chatcmpl-bench", "object": kind, "created": 1700000000, "model": "bench"}
    return json.dumps({**head, "choices": [{"index": 0, **choice}], **more}).encode()


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"delta": delta, "finish_reason": finish}
    return _chunk(b"data: " + _document("chat.completion.chunk", choice) + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_MESSAGE = {"role": "assistant", "content": "word " * PIECES}
_USAGE = {"prompt_tokens": 50, "completion_tokens": PIECES, "total_tokens": 50 + PIECES}
_BODY = _document("chat.completion", {"message": _MESSAGE, "finish_reason": "stop"}, usage=_USAGE)
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [_event({"content": "word "}, None) for _ in range(PIECES)]
LAST = _event({}, "stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._came = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, rest = self._came.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(rest) >= int(length or 0):
            self._came = b""
            task = asyncio.create_task(self._answer(b'"stream":' in rest))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, streams: bool) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)
        if not streams:
            self._transport.write(WHOLE)
            return
        self._transport.write(HEAD + EVENTS[0])
        for event in EVENTS[1:]:
            await asyncio.sleep(0)
            self._transport.write(event)
        self._transport.write(LAST)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(delay), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))

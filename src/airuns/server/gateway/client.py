"""The client's side of a call: whether it is still there, and what becomes of the call if not."""

import asyncio
from typing import Any

from airuns.server.gateway.protocols import Refusal

LOOK_AFTER = 0.5  # seconds; most calls are over by then, and need nobody who waits for their client


class Client:
    """Sends to a client as long as it is there.

    When it has gone, the task that serves it goes on for `drain` seconds (None: not at all) and is
    cancelled then; `stopped` tells.
    """

    def __init__(self, receive: Any, send: Any, drain: float | None) -> None:
        self._receive = receive
        self._send = send
        self._drain = drain
        self._serving = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.gone = False
        self.stopped = False
        self.started = False

    async def head(self, status: int, head: list[tuple[bytes, bytes]]) -> None:
        """Send the status and the headers."""
        self.started = True
        if not self.gone:
            await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def body(self, piece: bytes, *, last: bool) -> None:
        """Send a piece of the body."""
        if not self.gone:
            await self._send({"type": "http.response.body", "body": piece, "more_body": not last})

    async def refuse(self, refusal: Refusal, more: list[tuple[bytes, bytes]]) -> None:
        """Send an answer of our own."""
        length = (b"content-length", str(len(refusal.body)).encode())
        await self.head(refusal.status, [*refusal.head, length, *more])
        await self.body(refusal.body, last=True)

    def watch(self) -> None:
        """Begin to look whether the client is there: not before its whole request has come."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_AFTER, self._look)

    def done(self) -> None:
        """Stop looking whether the client is there."""
        if self._timer:
            self._timer.cancel()
        if self._watching:
            self._watching.cancel()

    def _look(self) -> None:
        self._watching = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._drain:
            await asyncio.sleep(self._drain)
        self.stopped = True
        if self._serving:
            self._serving.cancel()

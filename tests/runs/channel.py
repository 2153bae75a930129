"""A Socket.IO client that tests listen with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import socketio

EVENTS = (
    "task.started",
    "task.delta",
    "task.data",
    "task.info",
    "task.tool",
    "task.error",
    "task.completed",
    "task.cancelled",
)
NEWS = ("run.changed", "runs.changed", "exports.changed")


class Channel:
    """A connected client, and what it has heard."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self.client = client
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.news: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._over = asyncio.Event()
        client.on("disconnect", self._end)
        for name in EVENTS:
            client.on(name, self._listener(name))
        for name in NEWS:
            client.on(name, self._hear_news)

    def _listener(self, name: str) -> Any:
        async def hear(data: dict[str, Any]) -> None:
            async with self._changed:
                self.heard.append((name, data))
                self._changed.notify_all()

        return hear

    async def _hear_news(self, data: dict[str, Any]) -> None:
        async with self._changed:
            self.news.append(data)
            self._changed.notify_all()

    async def call(self, event: str, **data: Any) -> dict[str, Any]:
        return await self.client.call(event, data, timeout=10)

    async def until(self, name: str) -> dict[str, Any]:
        """Wait for an event and return its data."""

        def found() -> list[dict[str, Any]]:
            return [data for each, data in self.heard if each == name]

        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(found)
            return found()[-1]

    async def until_told(self, **said: Any) -> None:
        """Wait for news that say this."""

        def found() -> bool:
            return any(said.items() <= data.items() for data in self.news)

        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(found)

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(10):
            await self._over.wait()

    async def _end(self, *_: Any) -> None:
        self._over.set()

    @property
    def text(self) -> str:
        """What the deltas give, put together by their offsets."""
        text = ""
        for name, data in self.heard:
            if name == "task.delta":
                assert data["offset"] <= len(text)
                text = text[: data["offset"]] + data["text"]
        return text


@asynccontextmanager
async def connected(
    url: str, key: str | None, mark: str | None = None, **headers: str
) -> AsyncGenerator[Channel]:
    """Connect with a key, or with headers; `mark` is that of the last news heard before."""
    client = socketio.AsyncClient(reconnection=False)
    channel = Channel(client)
    auth = {"key": key} if key else {}
    if mark:
        auth["mark"] = mark
    await client.connect(url, headers, auth, transports=["websocket"])
    try:
        yield channel
    finally:
        await client.disconnect()

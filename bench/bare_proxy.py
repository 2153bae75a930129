"""A proxy that passes everything through and does nothing else: what the gateway can at best be.

python -m bench.bare_proxy UPSTREAM PORT: on the same web server and HTTP client as the gateway.
"""

import sys
from typing import Any

import aiohttp
import uvloop

from airuns.server.web import WebServer

DROPPED = (b"host", b"content-length")
HOP = (b"transfer-encoding", b"connection", b"keep-alive")


class Proxy:
    """The ASGI application."""

    def __init__(self, upstream: str, http: aiohttp.ClientSession) -> None:
        self._upstream = upstream
        self._http = http

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        head = [(k.decode(), v.decode()) for k, v in scope["headers"] if k not in DROPPED]
        url = self._upstream + scope["path"]
        async with self._http.request(scope["method"], url, data=body, headers=head) as answer:
            content = answer.content
            found = [(k.lower(), v) for k, v in answer.raw_headers if k.lower() not in HOP]
            start = {"type": "http.response.start", "status": answer.status, "headers": found}
            piece = await content.readany()
            await send(start)
            while not content.at_eof():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await content.readany()
            await send({"type": "http.response.body", "body": piece, "more_body": False})


async def _serve(upstream: str, port: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        app = Proxy(upstream, http)
        await WebServer(WebServer.configured(app, "127.0.0.1", port)).serve()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], int(sys.argv[2])))

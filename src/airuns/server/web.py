"""The web server: uvicorn on the loop that runs everything else, without its signal handlers."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

LAST_SECONDS = 3


class WebServer(uvicorn.Server):
    """Serves an ASGI application until `should_exit`; whoever runs it has signals of their own."""

    @staticmethod
    def configured(app: Any, host: str, port: int) -> uvicorn.Config:
        """Return how it serves: nothing is logged but trouble, and no header names the server."""
        return uvicorn.Config(
            app,
            host=host,
            port=port,
            http="httptools",
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=LAST_SECONDS,
        )

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield

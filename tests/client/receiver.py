"""A stand-in for POST /api/events that answers as it is told to."""

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import msgspec

from tests.serving import free_port


@dataclass(frozen=True)
class Answer:
    """An answer in place of the usual one; `status` None is none at all."""

    status: int | None
    retry_after: str | None = None


class Receiver:
    """Takes batches; `refuse` says why an event is refused, `answer` what a batch is answered."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.batches: list[list[dict[str, Any]]] = []
        self.keys: set[str | None] = set()
        self.times: list[float] = []
        self.answers: list[Answer] = []
        self.answer: Callable[[list[dict[str, Any]]], Answer | None] = lambda batch: None
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda event: None
        self.ending = threading.Event()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was taken, in its order."""
        return [event for batch in self.batches for event in batch]

    def start(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        if hasattr(self, "server"):
            self.server.shutdown()
            self.server.server_close()

    def take(self, batch: list[dict[str, Any]]) -> tuple[int | None, dict[str, str], Any]:
        """Return how a batch is answered: status, headers, body."""
        self.times.append(time.monotonic())
        told = self.answers.pop(0) if self.answers else self.answer(batch)
        if told is not None:
            return told.status, {"Retry-After": told.retry_after} if told.retry_after else {}, {}
        reasons = [self.refuse(event) for event in batch]
        self.batches.append([event for event, why in zip(batch, reasons, strict=True) if not why])
        refused = [
            {"index": index, "id": None, "field": None, "reason": why}
            for index, why in enumerate(reasons)
            if why
        ]
        return 200, {}, {"stored": len(batch) - len(refused), "waiting": 0, "refused": refused}


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.keys.add(self.headers["Authorization"])
            status, headers, answer = receiver.take(msgspec.msgpack.decode(body))
            if status is None:
                receiver.ending.wait()
                return
            sent = msgspec.json.encode(answer)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(sent))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler

"""The scripted provider's HTTP server, in a thread with a loop of its own."""

import asyncio
import json
import threading
import time
from typing import Any, Self

from aiohttp import web

from tests.provider.meanings import DIMENSIONS, REFUSED, vector
from tests.provider.responses import Responses
from tests.provider.script import Failure, Script, named, now
from tests.provider.wire import Anthropic, OpenAI

Wire = OpenAI | Anthropic | Responses


class Request:
    """One request as it came, and what became of it; its events can be waited for in any thread."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.received_at = time.monotonic()
        self.sent = 0
        self.finished = threading.Event()
        self.disconnected = threading.Event()
        self.disconnected_at: float | None = None

    @property
    def json(self) -> Any:
        """The body; one that asks for no model, such as a list of them, names none."""
        is_json = self.body.lstrip()[:1] == b"{"  # and no form, nor nothing
        return json.loads(self.body) if is_json else {"model": ""}

    def disconnect(self) -> None:
        """Note that the client closed the connection before the end of the answer."""
        self.disconnected_at = time.monotonic()
        self.disconnected.set()


class ScriptedProvider:
    """The server; `key`, when given, is demanded of every request."""

    def __init__(self, *, port: int = 0, key: str | None = None) -> None:
        self.requests: list[Request] = []
        self.url = ""
        self._port = port
        self._key = key
        self._scripts: dict[str, Script] = {}
        self._failures: dict[str, list[Failure]] = {}
        self._arrived = threading.Condition()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve on 127.0.0.1; `url` says where, without a path."""
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("The scripted provider did not start.")

    def stop(self) -> None:
        """End every connection and the thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def script(self, model: str, script: Script) -> None:
        """Say what a model does from now on."""
        self._failures[model] = list(script.failures)
        self._scripts[model] = script

    def request(self, number: int, timeout: float = 10) -> Request:
        """Return request `number` (from 0), waiting until it has come."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) > number, timeout):
                raise TimeoutError(f"Request {number} did not come; {len(self.requests)} did.")
            return self.requests[number]

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        app = web.Application(client_max_size=100_000_000)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_post("/v1/responses", self._responses)
        app.router.add_post("/v1/messages/count_tokens", self._count)
        app.router.add_route("*", "/v1/{rest:.*}", self._told)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        await self._record(request)
        if not self._admitted(request):
            return _refused(
                OpenAI("", {}), Failure(status=401, message="Incorrect API key provided")
            )
        models = [{"id": name, "object": "model"} for name in ["echo", *self._scripts]]
        return web.json_response({"object": "list", "data": models})

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, OpenAI)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, Anthropic)

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, Responses)

    async def _count(self, request: web.Request) -> web.Response:
        """Answer with the tokens of a request: its words."""
        record = await self._record(request)
        words = sum(len(str(one["content"]).split()) for one in record.json["messages"])
        return web.json_response({"input_tokens": words})

    async def _told(self, request: web.Request) -> web.Response:
        """Tell any other request back, as it came."""
        record = await self._record(request)
        told = {
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": record.body.decode(errors="replace"),
        }
        return web.json_response(told, headers={"x-told": "yes"})

    async def _embeddings(self, request: web.Request) -> web.Response:
        """Answer with vectors; `meaning` or `meaning:<dimensions>` need no script."""
        record = await self._record(request)
        model, texts = record.json["model"], record.json["input"]
        wire = OpenAI(model, {})
        script = self._scripts.get(model, Script())
        if self._failures.get(model):
            return _refused(wire, self._failures[model].pop(0))
        if script.head_gate is not None:
            await script.head_gate.passed(0)
        if any(REFUSED in text for text in texts):
            return _refused(wire, Failure(status=500, message="This text is too large."))
        _, _, dimensions = model.partition(":")
        data = [
            {"index": at, "embedding": vector(text, int(dimensions or DIMENSIONS))}
            for at, text in enumerate(texts)
        ]
        record.finished.set()
        return web.json_response({"object": "list", "data": data[::-1]})

    async def _answer(self, request: web.Request, kind: type[Wire]) -> web.StreamResponse:
        record = await self._record(request)
        asked = record.json
        model = asked["model"]
        wire = kind(model, asked)
        if not self._admitted(request):
            return _refused(wire, Failure(status=401, message="Incorrect API key provided"))
        script = self._scripts.get(model) or named(model, _last_user_message(asked))
        if script is None:
            return _refused(wire, Failure(status=404, message=f"The model {model} does not exist"))
        if failures := self._failures.setdefault(model, list(script.failures)):
            return _refused(wire, failures.pop(0))
        try:
            return await _respond(request, record, script, wire, bool(asked.get("stream")))
        except (asyncio.CancelledError, ConnectionError):
            record.disconnect()
            raise

    async def _record(self, request: web.Request) -> Request:
        record = Request(request.path, dict(request.headers), await request.read())
        with self._arrived:
            self.requests.append(record)
            self._arrived.notify_all()
        return record

    def _admitted(self, request: web.Request) -> bool:
        sent = request.headers.get("x-api-key") or request.headers.get("Authorization", "")
        return self._key is None or sent.removeprefix("Bearer ") == self._key


async def _respond(
    request: web.Request, record: Request, script: Script, wire: Wire, stream: bool
) -> web.StreamResponse:
    if script.silent:
        await asyncio.Event().wait()
    if script.head_gate is not None:
        await script.head_gate.passed(0)
    headers = {"x-request-id": "req_scripted"}
    if script.whole or not stream:
        record.finished.set()
        return web.json_response(wire.whole(script), headers=headers)
    response = web.StreamResponse(headers=headers | {"Content-Type": wire.media_type})
    await response.prepare(request)
    if not await _stream(response, record, script, wire):
        assert request.transport is not None
        request.transport.close()
    record.finished.set()
    return response


async def _stream(
    response: web.StreamResponse, record: Request, script: Script, wire: Wire
) -> bool:
    """Send the answer; False when the script asks for the connection to break."""
    if script.raw is not None:
        for number, part in enumerate(script.raw):
            await _wait(script, number)
            await response.write(part)
        return True
    await response.write(wire.opening(script))
    for text in script.reasoning:
        await response.write(wire.reasoning(text))
    for number, text in enumerate(script.answer()):
        if number == script.cut_after:
            return False
        if await _ended(response, script, wire, number):
            return True
        await _wait(script, number)
        await response.write(wire.text(now() if script.clock else text))
        record.sent = number + 1
    if script.cut_after == len(script.pieces):
        return False
    if not await _ended(response, script, wire, len(script.pieces)):
        for index, tool in enumerate(script.tools):
            await response.write(wire.tool(index, tool))
        await response.write(wire.closing(script))
    return True


async def _ended(response: web.StreamResponse, script: Script, wire: Wire, number: int) -> bool:
    """End the stream in the way that the script names for this place, if it names one."""
    if number == script.garbage_after:
        await response.write(wire.garbage)
        return True
    if number == script.error_after:
        await response.write(wire.error("scripted error in the stream"))
        return True
    return number == script.end_after


async def _wait(script: Script, number: int) -> None:
    if script.gate is not None:
        await script.gate.passed(number)
    if delay := script.delay if number else script.delay_first or script.delay:
        await asyncio.sleep(delay)
    elif script.endless:
        await asyncio.sleep(0)


def _refused(wire: Wire, failure: Failure) -> web.Response:
    headers = {"request-id": failure.request_id, "Retry-After": failure.retry_after}
    return web.Response(
        status=failure.status,
        body=json.dumps(wire.failure(failure)).encode() if failure.body is None else failure.body,
        content_type="application/json",
        headers={name: value for name, value in headers.items() if value is not None},
    )


def _last_user_message(asked: dict[str, Any]) -> str:
    if isinstance(asked.get("input"), str):
        return asked["input"]
    said = asked.get("messages") or asked.get("input") or []
    contents = [message["content"] for message in said if message["role"] == "user"]
    last = contents[-1] if contents else ""
    if isinstance(last, str):
        return last
    return "".join(part.get("text", "") for part in last if isinstance(part, dict))

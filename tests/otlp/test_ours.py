"""Our own traces: requests, the calls of models within them, and the traces of callers go on."""

import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airuns.server.otlp import wire_protobuf
from airuns.server.otlp.spans import Span
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider
from tests.serving import Served, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SECRET = "nobody else may read this"


@pytest.fixture
def collected() -> Generator[tuple[str, list[Span], list[bytes]]]:
    """A collector's address, the spans that came, and their bodies."""
    spans: list[Span] = []
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(body)
            spans.extend(wire_protobuf.read(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans, bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_requests_and_calls_of_models_are_traced(
    serve: Callable[..., Served],
    own_database_url: str,
    provider: ScriptedProvider,
    collected: tuple[str, list[Span], list[bytes]],
) -> None:
    endpoint, spans, bodies = collected
    provider.script("traced", Script(pieces=("Hello.",)))
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_OTLP_ENDPOINT=endpoint)
    asked = [{"role": "user", "content": SECRET}]
    with served.client(ALICE) as client:
        caller = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        body = {"model": "openai/traced", "messages": asked}
        client.post("/api/prompt/run", json=body, headers=caller).raise_for_status()
        client.post("/v1/chat/completions", json=body, headers=caller).raise_for_status()
        client.get("/api/runs/no-such-run")
        wait_until(lambda: "airuns_gateway_recorded_total 1" in client.get("/metrics").text)
    assert served.stop() == 0, served.output()

    requests = {span.name: span for span in spans if "http.route" in span.attributes}
    run, chat = requests["POST /api/prompt/run"], requests["POST /v1/chat/completions"]
    assert {span.trace_id.hex() for span in (run, chat)} == {TRACE}
    assert {span.parent_id.hex() for span in (run, chat)} == {PARENT}
    assert "GET /api/runs/{run_id}" in requests, "routes, not what is in them"
    assert not any(name.endswith("/metrics") for name in requests)

    calls = {span.parent_id: span for span in spans if span.name == "chat traced"}
    assert set(calls) == {run.span_id, chat.span_id}
    for call in calls.values():
        told = call.attributes
        assert told["gen_ai.provider.name"] == "openai"
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (10, 1)
        assert call.end >= call.start
    assert not any(SECRET.encode() in body for body in bodies), "texts stay here"

"""POST /v1/traces of a real server: what exporters send becomes runs that can be opened."""

import gzip
import json
import os
import zlib
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.otlp.told import SERVICE, called, traced
from tests.people import ALICE
from tests.serving import Served

PROTOBUF = {"Content-Type": "application/x-protobuf"}


def exchange(question: str, answer: str, **more: Any) -> dict[str, Any]:
    """Attributes of a call with a question and an answer."""
    asked, answered = [said("user", question)], [said("assistant", answer)]
    return called(
        **{
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps(answered),
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 3,
            **more,
        }
    )


def said(role: str, text: str) -> dict[str, Any]:
    """A message of the conventions, with a text."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def json_span(attributes: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A span as OTLP's JSON has it."""

    def value(one: Any) -> dict[str, Any]:
        if isinstance(one, list):
            return {"arrayValue": {"values": [value(each) for each in one]}}
        return {"intValue": str(one)} if isinstance(one, int) else {"stringValue": one}

    return {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "chat gpt-4.1-mini",
        "kind": 3,
        "startTimeUnixNano": "1760000000000000000",
        "endTimeUnixNano": "1760000001500000000",
        "attributes": [{"key": name, "value": value(one)} for name, one in attributes.items()],
        "status": {},
        **given,
    }


def body(*spans: dict[str, Any]) -> dict[str, Any]:
    """A request of OTLP in JSON."""
    scope = {"scope": {"name": "tests"}, "spans": list(spans)}
    service = {"key": "service.name", "value": {"stringValue": SERVICE}}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}


def conversation(client: httpx.Client, question: str) -> tuple[dict[str, Any], list[Any]]:
    """The one run that begins with a question, and its messages."""
    found = client.get("/api/runs", params={"q": question.split()[-1]}).json()["items"]
    [run] = [each for each in found if each["name"] == question]
    messages = client.get(f"/api/runs/{run['id']}/messages").json()["items"]
    return run, messages


def tasks(client: httpx.Client, run: dict[str, Any]) -> list[Any]:
    """The tasks of a run, whole, oldest first."""
    found = client.get("/api/tasks", params={"run_id": run["id"]}).json()["items"]
    return [client.get(f"/api/tasks/{each['task_id']}").json() for each in reversed(found)]


@pytest.mark.parametrize("compression", list(Compression), ids=lambda each: each.value)
def test_an_exporter_s_spans_become_a_run(
    server: Served, alice: httpx.Client, compression: Compression
) -> None:
    question = f"Hello {compression.value}{uuid4().hex}"
    exporter = OTLPSpanExporter(
        endpoint=f"{server.url}/v1/traces",
        headers={"x-api-key": ALICE.key},
        compression=compression,
    )
    with traced(exporter) as provider:
        tracer = provider.get_tracer("tests")
        with tracer.start_as_current_span("chat", attributes=exchange(question, "Hello yourself")):
            pass
    run, messages = conversation(alice, question)
    assert [(each["role"], each["content"]) for each in messages] == [
        ("user", question),
        ("assistant", "Hello yourself"),
    ]
    assert (run["source_type"], run["source_id"]) == ("custom", SERVICE)
    [task] = tasks(alice, run)
    assert (task["model"], task["provider"]) == ("gpt-4.1-mini", "openai")
    assert (task["tokens_input"], task["tokens_output"]) == (12, 3)


def test_json_is_taken_and_sending_again_changes_nothing(alice: httpx.Client) -> None:
    question = f"Hello json{uuid4().hex}"
    asked = body(json_span(exchange(question, "Hello")), json_span({"http.request.method": "GET"}))
    for _ in range(2):
        answer = alice.post("/v1/traces", json=asked)
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["content-type"] == "application/json"
    run, messages = conversation(alice, question)
    assert len(messages) == 2
    [task] = tasks(alice, run)
    assert (task["total_time"], task["created_at"][:19]) == (1.5, "2025-10-09T08:53:20")
    assert task["tokens_cache_read"] is None


def test_a_conversation_of_many_traces_is_one_run(alice: httpx.Client) -> None:
    """A program that sends its history again, with neither a session nor a parent span."""
    question = f"Hello many{uuid4().hex}"
    asked: list[dict[str, Any]] = []
    for turn in range(3):
        asked.append(said("user", question if turn == 0 else f"And {turn}?"))
        answer = said("assistant", f"Answer {turn}")
        given = called(
            **{
                "gen_ai.input.messages": json.dumps(asked),
                "gen_ai.output.messages": json.dumps([answer]),
            }
        )
        assert alice.post("/v1/traces", json=body(json_span(given))).json() == {}
        asked.append(answer)
    run, messages = conversation(alice, question)
    assert [each["content"] for each in messages] == [
        *(question, "Answer 0", "And 1?", "Answer 1", "And 2?", "Answer 2"),
    ]
    assert len(tasks(alice, run)) == 3


@pytest.mark.parametrize("order", ["together", "one by one"])
def test_tools_are_updates_of_the_task_that_asked_for_them(alice: httpx.Client, order: str) -> None:
    question = f"Weather tools{uuid4().hex}"
    trace, parent = os.urandom(16).hex(), os.urandom(8).hex()
    calls = [
        {"type": "tool_call", "id": f"call-{city}", "name": "weather", "arguments": {"city": city}}
        for city in ("Rome", "Oslo")
    ]
    model = called(
        **{
            "gen_ai.input.messages": json.dumps([said("user", question)]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": calls}]),
        }
    )
    place = {"traceId": trace, "parentSpanId": parent}
    spans = [json_span(model, **place)]
    for city in ("Rome", "Oslo"):
        used = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.id": f"call-{city}",
            "gen_ai.tool.call.result": f"sunny in {city}",
        }
        spans.append(json_span(used, **place, name="execute_tool weather"))
    for batch in [spans] if order == "together" else [[each] for each in spans]:
        assert alice.post("/v1/traces", json=body(*batch)).json() == {}
    run, _ = conversation(alice, question)
    [task] = tasks(alice, run)
    assert [(each["id"], each["result"], each["seconds"]) for each in task["tool_updates"]] == [
        ("call-Rome", "sunny in Rome", 1.5),
        ("call-Oslo", "sunny in Oslo", 1.5),
    ]


def test_a_tool_that_no_known_answer_asked_for_is_a_task_of_its_own(alice: httpx.Client) -> None:
    session = uuid4().hex
    used = {
        "openinference.span.kind": "TOOL",
        "session.id": session,
        "tool.name": f"alone{session}",
        "input.value": "{}",
        "output.value": "done",
    }
    assert alice.post("/v1/traces", json=body(json_span(used))).json() == {}
    [run] = alice.get("/api/runs", params={"q": f"alone{session}"}).json()["items"]
    [task] = tasks(alice, run)
    assert task["service"] == "tool"
    assert task["tool_updates"][0]["result"] == "done"


def test_what_is_not_stored_is_said(alice: httpx.Client) -> None:
    broken = json_span(called(), traceId="abcd")
    late = json_span(called(), startTimeUnixNano=str(9 * 10**18 * 25))
    answer = alice.post("/v1/traces", json=body(broken, late, json_span(called()))).json()
    partial = answer["partialSuccess"]
    assert partial["rejectedSpans"] == "1", partial
    assert "no trace id of 16 bytes" in partial["errorMessage"]
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"short")
    sent = alice.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    assert sent.headers["content-type"] == PROTOBUF["Content-Type"]
    said = ExportTraceServiceResponse.FromString(sent.content)
    assert said.partial_success.rejected_spans == 1


def test_texts_that_postgresql_cannot_store_are_mended(alice: httpx.Client) -> None:
    question = f"Hello nul{uuid4().hex}"
    asked = body(json_span(exchange(question, "a\0b")))
    assert alice.post("/v1/traces", json=asked).json() == {}
    _, messages = conversation(alice, question)
    assert messages[1]["content"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("headers", "content", "status", "said"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415, "Content-Type"),
        ({"Content-Encoding": "br"}, b"{}", 415, "gzip, deflate"),
        ({}, b"no protobuf at all", 400, "ExportTraceServiceRequest"),
        ({"Content-Encoding": "gzip"}, b"no gzip", 400, "damaged"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}")[:-9], 400, "damaged"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"") * 1000, 400, "damaged"),
        ({"Content-Encoding": "gzip"}, gzip.compress(bytes(65 << 20), 1), 413, "unpacked"),
        ({"Content-Encoding": "deflate"}, zlib.compress(bytes(65 << 20), 1), 413, "unpacked"),
        ({}, bytes(11 << 20), 413, "AIRUNS_MAX_BODY"),
        ({"Authorization": "Bearer air_nobody"}, b"", 401, "API key"),
    ],
    ids=[
        *("kind", "encoding", "garbage", "no-gzip", "cut", "members", "bomb", "deflate-bomb"),
        *("large", "nobody"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_the_words_of_otlp(
    alice: httpx.Client, headers: dict[str, str], content: bytes, status: int, said: str
) -> None:
    refused = alice.post("/v1/traces", content=content, headers=PROTOBUF | headers)
    assert refused.status_code == status
    if "Content-Type" in headers:
        assert said in refused.json()["message"]
    else:
        assert said in Status.FromString(refused.content).message


def test_nobody_may_send_and_a_page_may_not_either(server: Served) -> None:
    with server.client() as client:
        refused = client.post("/v1/traces", json={})
    assert refused.status_code == 401
    assert "API key" in refused.json()["message"]
    assert "Bearer" in refused.headers["www-authenticate"]


def test_deflate_without_a_header_is_taken(alice: httpx.Client) -> None:
    packer = zlib.compressobj(wbits=-15)
    content = packer.compress(json.dumps(body(json_span(called()))).encode()) + packer.flush()
    headers = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
    assert alice.post("/v1/traces", content=content, headers=headers).json() == {}


def test_another_s_spans_are_another_s(alice: httpx.Client, bob: httpx.Client) -> None:
    question = f"Hello both{uuid4().hex}"
    asked = body(json_span(exchange(question, "Hello"), parentSpanId="00" * 7 + "01"))
    for client in (alice, bob):
        assert client.post("/v1/traces", json=asked).json() == {}
        run, messages = conversation(client, question)
        assert (len(messages), len(tasks(client, run))) == (2, 1)


def test_metrics_count_spans(alice: httpx.Client) -> None:
    def count(name: str) -> float:
        lines = alice.get("/metrics").text.splitlines()
        found = next(line for line in lines if line.startswith(f"airuns_otlp_{name}_spans_total "))
        return float(found.split()[1])

    assert "\nprocess_resident_memory_bytes " in alice.get("/metrics").text
    before = {name: count(name) for name in ("task", "tool", "other", "rejected")}
    spans = [json_span(called()), json_span({}), json_span({}), json_span({}, traceId="ab")]
    alice.post("/v1/traces", json=body(*spans))
    after = {name: count(name) - before[name] for name in before}
    assert after == {"task": 1, "tool": 0, "other": 2, "rejected": 1}

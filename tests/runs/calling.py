"""Calls that the tests of runs share."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
from httpx import Client


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def execute(client: Client, **body: Any) -> dict[str, Any]:
    """POST /api/prompt/run and return the result."""
    body.setdefault("model", "openai/echo")
    answer = client.post("/api/prompt/run", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(client: Client, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """Return a problem document, checking what all of them have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    if field is not None:
        assert field in [error["field"] for error in document["errors"]], document
    return document


class SseEvent(dict[str, Any]):
    """The data of a server-sent event, with its name and id."""

    def __init__(self, name: str, offset: int, data: dict[str, Any]) -> None:
        super().__init__(data)
        self.name = name
        self.offset = offset


def sse(response: httpx.Response) -> Iterator[SseEvent]:
    """Yield the events of a stream as they come."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield SseEvent(fields["event"], int(fields["id"]), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


def stream(client: Client, **body: Any) -> list[SseEvent]:
    """POST /api/prompt/run with stream and return all events."""
    body.setdefault("model", "openai/echo")
    with client.stream("POST", "/api/prompt/run", json={**body, "stream": True}) as response:
        response.read() if response.status_code != 200 else None
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(sse(response))


def text_of(events: list[SseEvent]) -> str:
    return "".join(event["text"] for event in events if event.name == "task.delta")

"""Events as programs send them."""

import json
from typing import Any
from uuid import uuid4

from httpx import Client

Fields = dict[str, Any]


def tell(client: Client, *events: Fields) -> Fields:
    """Send a batch and return what became of it."""
    answer = client.post("/api/events", json=list(events))
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(client: Client, *events: Fields) -> Fields:
    """Send a batch, all of which is stored."""
    outcome = tell(client, *events)
    assert outcome["refused"] == [], outcome
    assert outcome["stored"] + outcome["waiting"] == len(events)
    return outcome


def said(role: str, content: Any, **more: Any) -> Fields:
    """A message."""
    return {"role": role, "content": content, **more}


def task(*messages: Fields, answer: str | None = None, **more: Any) -> Fields:
    """A task that asked `messages` and got `answer`."""
    event: Fields = {"type": "task", "id": str(uuid4()), "provider": "openai", "model": "gpt-4o"}
    event |= {"messages": list(messages)} if messages else {}
    return {**event, "response_text": answer, **more}


def call(*messages: Fields, answer: str, **more: Any) -> Fields:
    """A call of OpenAI's chat completions as it went over the wire."""
    message = said("assistant", answer, refusal=None, annotations=[])
    body = {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    return {
        "type": "call",
        "id": str(uuid4()),
        "protocol": "openai.chat",
        "provider": "openai",
        "request": {"model": "gpt-4o", "temperature": 0.5, "messages": list(messages)},
        "response": json.dumps(body),
        "http_status": 200,
        **more,
    }


def run_of(client: Client, task_id: str) -> Fields:
    """Return the run that a task is in, with its messages."""
    run_id = client.get(f"/api/tasks/{task_id}").json()["run_id"]
    return client.get(f"/api/runs/{run_id}").json()


def texts(run: Fields) -> list[str]:
    """Return what the messages of a run's current line say."""
    return [message["content"] for message in run["messages"]]

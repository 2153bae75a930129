"""What tests of the gateway share: questions, and what became of them."""

import json
from typing import Any
from uuid import uuid4

import httpx

from tests.serving import Served, wait_until

CHAT = "/v1/chat/completions"
# Of the hop, or of the moment: everything else has to be the same with and without the gateway.
OF_THE_MOMENT = {"date", "connection", "transfer-encoding", "content-length", "server"}


def unique(text: str = "Question") -> str:
    """Return a text that no other test asks."""
    return f"{text} {uuid4().hex}"


def asking(*texts: str, model: str = "openai/echo", **more: Any) -> dict[str, Any]:
    """Return a request of a chat: user and assistant in turns."""
    roles = ("user", "assistant")
    said = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
    return {"model": model, "messages": said, **more}


def shown(answer: httpx.Response) -> dict[str, str]:
    """Return the headers of an answer that do not change from one moment to the next."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name not in OF_THE_MOMENT and not name.startswith("airuns-")
    }


def text_of(answer: httpx.Response) -> str:
    """Return the text of a whole answer in OpenAI's shape."""
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def task(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Return the recorded task of a call, once it is there."""
    return task_of(client, answer.headers["airuns-task-id"])


def task_of(client: httpx.Client, task_id: str) -> dict[str, Any]:
    """Return a recorded task, once it is there."""
    wait_until(lambda: client.get(f"/api/tasks/{task_id}").status_code == 200, f"task {task_id}")
    return client.get(f"/api/tasks/{task_id}").json()


def messages(client: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    """Return all messages of a run, on every branch."""
    return client.get(f"/api/runs/{run_id}/messages", params={"limit": 200}).json()["items"]


def metrics(client: httpx.Client) -> dict[str, float]:
    """Return what /metrics says of the gateway, without the prefix."""
    lines = client.get("/metrics").text.splitlines()
    found = (line.split() for line in lines if line.startswith("airuns_gateway_"))
    return {name.removeprefix("airuns_gateway_"): float(value) for name, value in found}


def settled(served: Served, client: httpx.Client) -> dict[str, float]:
    """Wait until all that was served is recorded; return the metrics."""
    wait_until(lambda: metrics(client)["waiting"] == 0, f"records of {served.url}", 30)
    return metrics(client)


def events(body: bytes) -> list[Any]:
    """Return the documents of a stream."""
    lines = body.decode().splitlines()
    told = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return [json.loads(each) for each in told]

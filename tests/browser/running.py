"""Steps that the tests of the runner and the chat share."""

from typing import Any
from uuid import uuid4

import httpx
from httpx import Client
from playwright.async_api import Locator, Page, expect

from tests.provider import ScriptedProvider
from tests.provider.script import Gate, Script


def prompt(client: Client, **body: Any) -> str:
    """Make a prompt; return its id."""
    body.setdefault("settings", {"model": "openai/echo"})
    answer = client.post("/api/prompts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def run(client: Client, *texts: str, model: str = "openai/echo") -> str:
    """Make a chat of several questions and answers; return its id."""
    run_id = None
    for text in texts:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "model": model}
        answer = client.post("/api/prompt/run", json=body | ({"run_id": run_id} if run_id else {}))
        assert answer.status_code == 200, answer.text
        run_id = answer.json()["run_id"]
    assert run_id
    return run_id


def scripted(provider: ScriptedProvider, *pieces: str, **more: Any) -> tuple[str, Gate]:
    """Make a model that says pieces as its gate lets them out; return its name and the gate."""
    gate = Gate()
    name = f"scripted-{uuid4().hex[:8]}"
    provider.script(name, Script(pieces=pieces, gate=gate, **more))
    return f"openai/{name}", gate


def composer(page: Page) -> Locator:
    return page.locator("[data-message-text]")


async def write(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    await composer(page).fill(text)
    await expect(page.locator("[data-send-message]")).to_be_enabled()
    await composer(page).press("Enter")


def streamed(page: Page) -> Locator:
    """What has come of the answer that is being written."""
    return page.locator("[data-thread] [data-stream]")


def answers(page: Page) -> Locator:
    """The finished answers."""
    return page.locator("[data-thread] .message.assistant:not([data-streaming]) .prose")


async def text_is(place: Locator, text: str) -> None:
    """Wait until a place has exactly this text, spaces included."""
    await expect(place).to_have_js_property("textContent", text)


def stored(client: Client, path: str, **params: Any) -> Any:
    """Return what the API says."""
    return client.get(path, params=params).json()


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    """Send something to the API; return its answer."""
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def answer_of(client: Client, path: str) -> httpx.Response:
    """Return an answer as it came."""
    return client.get(path)


def messages(client: Client, run_id: str) -> list[dict[str, Any]]:
    return stored(client, f"/api/runs/{run_id}")["messages"]


def run_in(page: Page) -> str:
    """Return the id of the run that the page's address names."""
    return page.url.split("?")[0].rsplit("/", 1)[1]

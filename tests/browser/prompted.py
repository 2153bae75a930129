"""Prompts that tests of their pages look at."""

from typing import Any
from uuid import uuid4

import httpx


def unique(name: str) -> str:
    """Return a name that no other test has."""
    return f"{name} {uuid4().hex[:8]}"


def made(client: httpx.Client, text: str = "Greet {{name}}", **more: Any) -> dict[str, Any]:
    """Make a prompt; return it."""
    body: dict[str, Any] = {
        "name": unique("Greeter"),
        "messages": [{"role": "user", "content": text}],
        "settings": {"model": "openai/echo"},
    }
    answer = client.post("/api/prompts", json=body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def got(client: httpx.Client, prompt_id: str) -> dict[str, Any]:
    """Return a prompt as it is now."""
    answer = client.get(f"/api/prompts/{prompt_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def patched(client: httpx.Client, prompt_id: str, **change: Any) -> dict[str, Any]:
    """Change a prompt; return it."""
    answer = client.patch(f"/api/prompts/{prompt_id}", json=change)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ran(client: httpx.Client, prompt_id: str, model: str = "openai/echo", **more: Any) -> Any:
    """Run a prompt to its end, whatever that is; return the answer."""
    body = {"prompt_id": prompt_id, "model": model, "variables": {"name": "Ada"}}
    return client.post("/api/prompt/run", json=body | more).json()


def exists(client: httpx.Client, prompt_id: str) -> bool:
    """Say whether a prompt is there and not deleted."""
    return client.get(f"/api/prompts/{prompt_id}").status_code == 200


def deleted(client: httpx.Client, prompt_id: str) -> None:
    """Delete a prompt."""
    assert client.delete(f"/api/prompts/{prompt_id}").status_code == 200


def can_be_restored(client: httpx.Client, prompt_id: str) -> bool:
    """Restore a prompt, if there is still something to restore."""
    return client.post(f"/api/prompts/{prompt_id}/restore").status_code == 200

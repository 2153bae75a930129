"""Calls that the tests of the search share."""

from typing import Any
from uuid import uuid4

from httpx import Client

from tests.runs.calling import get
from tests.serving import wait_until


def new_word() -> str:
    """Return a word that nobody else has."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in uuid4().hex)


def say(client: Client, *texts: str, role: str = "user", **run: Any) -> str:
    """Make a run with messages; return its id."""
    run.setdefault("name", "Run")
    made = client.post("/api/runs", json=run)
    assert made.status_code == 201, made.text
    run_id = made.json()["id"]
    for text in texts:
        add(client, run_id, text, role)
    return run_id


def add(client: Client, run_id: str, text: str, role: str = "user") -> str:
    """Add a message to a run; return its id."""
    message = {"role": role, "content": text}
    made = client.post(f"/api/runs/{run_id}/messages", json=message)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def settle(client: Client) -> None:
    """Wait until all that somebody wrote is indexed."""
    wait_until(lambda: get(client, "/api/search", q="x")["waiting"] == 0, "the index")


def search(client: Client, q: str, **params: Any) -> list[dict[str, Any]]:
    """Return what a search finds, once all is indexed, page by page."""
    settle(client)
    items: list[dict[str, Any]] = []
    while True:
        page = get(client, "/api/search", q=q, **params)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        params["cursor"] = page["next_cursor"]


def found(client: Client, q: str, **params: Any) -> set[str]:
    """Return the ids of the runs that a search finds."""
    return {hit["run"]["id"] for hit in search(client, q, **params)}


def marked(pieces: list[dict[str, Any]]) -> str:
    """Return a text with what was searched for in brackets."""
    return "".join(f"[{each['text']}]" if each["is_hit"] else each["text"] for each in pieces)

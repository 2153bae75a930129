"""Runs that tests of lists look at, and fingers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from playwright.async_api import Page

from airuns.server.db import embedded
from tests.people import Person
from tests.runs.calling import execute, user


def new_person(owner: httpx.Client) -> Person:
    """Add somebody who has nothing yet, and no key."""
    answer = owner.post("/api/users", json={"username": f"new-{uuid4().hex[:8]}"})
    assert answer.status_code == 201, answer.text
    made = answer.json()["user"]
    return Person(made["username"], UUID(made["id"]), "")


def new_prompt(client: httpx.Client, name: str = "Reviewer") -> str:
    """Make a prompt; return its id."""
    body = {
        "name": f"{name} {uuid4().hex[:6]}",
        "messages": [user("Review {{what}}")],
        "settings": {"model": "openai/echo"},
    }
    answer = client.post("/api/prompts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def new_run(client: httpx.Client, prompt_id: str | None, name: str, **more: Any) -> str:
    """Run a prompt, or chat; return the run's id."""
    given = {"prompt_id": prompt_id, "variables": {"what": name}} if prompt_id else {}
    body = given or {"messages": [user(name)]}
    return execute(client, name=name, **{**body, **more})["run_id"]


def new_runs(client: httpx.Client, prompt_id: str, count: int) -> list[str]:
    """Put runs of a prompt into the store, without answers; return their ids, newest last."""
    ids: list[str] = []
    for number in range(count):
        body = {"source_type": "prompt", "source_id": prompt_id, "name": f"Run {number:03}"}
        answer = client.post("/api/runs", json=body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


def fail_run(client: httpx.Client, prompt_id: str, name: str) -> None:
    """Run a prompt whose provider refuses."""
    body = {"prompt_id": prompt_id, "variables": {"what": name}, "model": "openai/fail:401"}
    client.post("/api/prompt/run", json={"name": name, **body})


def delete_run(client: httpx.Client, run_id: str) -> None:
    """Delete a run."""
    answer = client.delete(f"/api/runs/{run_id}")
    assert answer.status_code == 204, answer.text


def aged(database_url: str, run_id: str, **ago: float) -> None:
    """Make a run older, as nobody else could."""
    root = database_url.replace("airuns@", f"{embedded.SUPERUSER}@")
    moment = datetime.now(UTC) - timedelta(**ago)
    with psycopg.connect(root) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute(
            "update airuns.ai_runs set last_message_at = %s, created_at = %s where id = %s",
            (moment, moment, UUID(run_id)),
        )


class Finger:
    """A finger on the page's screen: real touch events, as the browser's protocol sends them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def drag(
        self, selector: str, *, by: tuple[int, int], steps: int = 8, start: float = 0.5
    ) -> None:
        """Put it down on an element (`start` from its left), move it, and lift it."""
        x, y = await self._point(selector, start)
        await self._send("touchStart", x, y)
        for step in range(1, steps + 1):
            await self._send("touchMove", x + by[0] * step / steps, y + by[1] * step / steps)
        await self._send("touchEnd")

    async def hold(self, selector: str, until: str) -> None:
        """Put it down on an element and lift it once `until` shows."""
        x, y = await self._point(selector, 0.4)
        await self._send("touchStart", x, y)
        await self.page.locator(until).wait_for()
        await self._send("touchEnd")

    async def _point(self, selector: str, start: float) -> tuple[float, float]:
        box = await self.page.locator(selector).first.bounding_box()
        assert box is not None
        return box["x"] + box["width"] * start, box["y"] + box["height"] / 2

    async def _send(self, kind: str, x: float | None = None, y: float | None = None) -> None:
        if not hasattr(self, "session"):
            self.session = await self.page.context.new_cdp_session(self.page)
        points = [] if x is None else [{"x": x, "y": y}]
        await self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

"""The history of a prompt: every execution, newest first, a page at a time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from airuns.server.db.door import Database
from tests.conftest import Run
from tests.people import ALICE
from tests.prompts.test_prompts import created
from tests.sql.rows import add

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ENDINGS = ("completed", "error", "timeout", "cancelled", "pending", "streaming")
SHOWN = ("success", "error", "timeout", "cancelled", "pending", "pending")


@pytest.fixture(scope="module")
def prompt(api: httpx.AsyncClient, db: Database, run: Run) -> dict[str, Any]:
    """A prompt with 120 executions in one run: twenty of each status."""

    async def make() -> dict[str, Any]:
        prompt = await created(api)
        async with db.transaction(ALICE.who) as tx:
            of_run: dict[str, Any] = {
                "user_id": ALICE.user_id,
                "run_id": await add(
                    tx, "ai_runs", ALICE.user_id,
                    source_type="prompt", source_id=prompt["id"], prompt_version=1,
                    tags=["greeting"],
                ),
            }  # fmt: skip
            system = await add(tx, "ai_messages", **of_run, role="system", content="Be kind.")
            asked = await add(
                tx, "ai_messages", **of_run, parent_id=system, depth=1, content="Greet."
            )
            for number in range(120):
                await add(
                    tx, "ai_tasks", **of_run,
                    request_message_id=asked,
                    status=ENDINGS[number % 6],
                    response_text=f"Answer {number}",
                    model="m",
                    total_time=1.235,
                    tokens_total=number,
                    cost="0.000000000001",
                    response_errors='{"message": "boom"}' if number % 6 == 1 else None,
                    created_at=BEGIN + timedelta(seconds=number // 2),
                )  # fmt: skip
        return prompt

    made: dict[str, Any] = run(make())
    return made


async def pages(
    api: httpx.AsyncClient, prompt: dict[str, Any], **params: str
) -> list[list[dict[str, Any]]]:
    """Return the items of every page."""
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = (await api.get(f"/{prompt['id']}/history", params=params | more)).json()
        found.append(page["items"])
        cursor = page["next_cursor"]
    return found


async def test_every_execution_is_there_once_newest_first(
    api: httpx.AsyncClient, prompt: dict[str, Any]
) -> None:
    found = await pages(api, prompt)
    assert [len(items) for items in found] == [50, 50, 20]
    items = [item for page in found for item in page]
    assert sorted(item["tokens_used"] for item in items) == list(range(120))
    keys = [(item["created_at"], item["id"]) for item in items]
    assert keys == sorted(keys, reverse=True)


async def test_an_execution_shows_what_was_asked_and_what_came(
    api: httpx.AsyncClient, prompt: dict[str, Any]
) -> None:
    url = f"/{prompt['id']}/history"
    [item, *_] = (await api.get(url, params={"status": "error"})).json()["items"]
    assert item["prompt_text"] == "Be kind.\n\nGreet."
    assert item["response"].startswith("Answer ")
    assert (item["execution_time_ms"], item["error_message"]) == (1235, "boom")
    assert (item["model"], item["prompt_version"]) == ("m", 1)
    assert Decimal(item["cost"]) == Decimal("0.000000000001")
    assert item["created_at"].endswith("Z")


@pytest.mark.parametrize("status", ["success", "error", "timeout", "cancelled", "pending"])
async def test_a_status_filters(
    api: httpx.AsyncClient, prompt: dict[str, Any], status: str
) -> None:
    page = (await api.get(f"/{prompt['id']}/history", params={"status": status})).json()
    assert len(page["items"]) == 20 * SHOWN.count(status)
    assert {item["status"] for item in page["items"]} == {status}


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"model": "m"}, 120),
        ({"model": "other"}, 0),
        ({"version": "1", "status": "error"}, 20),
        ({"version": "2"}, 0),
        ({"tag": "greeting"}, 120),
        ({"tag": "parting"}, 0),
        ({"since": "2026-01-01T00:00:10Z"}, 100),
        ({"before": "2026-01-01T00:00:10Z"}, 20),
        ({"since": "2026-01-01T00:00:10Z", "before": "2026-01-01T00:00:11Z"}, 2),
    ],
)
async def test_filters_go_together(
    api: httpx.AsyncClient, prompt: dict[str, Any], params: dict[str, str], count: int
) -> None:
    assert sum(len(items) for items in await pages(api, prompt, **params)) == count


async def test_an_unknown_status_is_refused(api: httpx.AsyncClient, prompt: dict[str, Any]) -> None:
    response = await api.get(f"/{prompt['id']}/history", params={"status": "done"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "status"

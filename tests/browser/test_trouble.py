"""What people see when the server is in trouble: nothing of its inside, and what to do."""

from collections.abc import Callable

import psycopg
from playwright.async_api import expect

from airuns.server.db.door import Database
from tests.browser.axe import problems
from tests.browser.conftest import Visits
from tests.people import ALICE
from tests.serving import Served

INSIDE = ("Traceback", "psycopg", "airuns.", "ai_runs", "select ", ".py")


async def test_a_failure_shows_nothing_of_the_inside(
    visit: Visits, serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url)
    database = Database(own_database_url, 2)
    await database.open()
    with psycopg.connect(own_database_url) as owner:
        owner.execute("alter table airuns.ai_runs rename to ai_runs_away")
    page = await visit("/ai/runs", served=served, door=database)
    await database.close()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Something went wrong in AI Runs"
    )
    shown = await page.content()
    assert not [each for each in INSIDE if each in shown]
    assert await problems(page) == []
    with served.client(ALICE) as alice:
        answer = alice.get("/api/runs")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert not [each for each in INSIDE if each in answer.text]
    assert "ai_runs" in served.output()  # the operator reads it in the log
    visit.errors.clear()  # the 500


async def test_a_server_that_is_away_is_waited_for(
    visit: Visits, serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url)
    database = Database(own_database_url, 2)
    await database.open()
    page = await visit("/ai/runs", served=served, door=database)
    await database.close()
    banner = page.locator("[data-offline]")
    await expect(banner).to_be_hidden()
    served.process.kill()
    served.process.wait()
    await expect(banner).to_contain_text("Reconnecting to the server…")
    served.start()
    await expect(banner).to_be_hidden()
    with served.client(ALICE) as alice:
        alice.post("/api/runs", json={"name": "Made meanwhile"}).raise_for_status()
    await expect(
        page.get_by_text("Made meanwhile").or_(page.get_by_text("1 new run"))
    ).to_be_visible()
    visit.errors.clear()  # what could not be reached

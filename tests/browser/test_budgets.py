"""The settings of budgets, and what a spent one does to a chat."""

import re

import httpx
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import made, ran, unique
from tests.people import BOB, CHARLIE
from tests.serving import Served

PRICE = {"input": "1000000", "output": "0"}


async def added(page: Page, name: str, limit: str, *, is_hard: bool = False) -> None:
    """Add a budget through its dialog."""
    await page.get_by_role("button", name="Add budget").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_label("Limit in USD").fill(limit)
    if is_hard:
        await dialog.get_by_label("Refuse calls").check()
    await dialog.get_by_role("button", name="Save budget").click()


async def test_a_budget_is_added_changed_and_deleted(visit: Visits) -> None:
    page = await visit("/settings/budgets", CHARLIE)
    name = unique("All models")
    await added(page, name, "25.50", is_hard=True)
    row = page.get_by_role("listitem").filter(has_text=name)
    await expect(row).to_contain_text(
        re.compile(r"\$\S+ of \$25\.50 a month; \$25\.\d+ left until")
    )
    await expect(row).to_contain_text("refuses calls")
    await page.get_by_role("button", name=f"Change {name}").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Limit in USD")).to_have_value("25.50")
    await dialog.get_by_label("For").select_option("week")
    await dialog.get_by_label("Refuse calls").uncheck()
    await dialog.get_by_role("button", name="Save budget").click()
    await expect(row).to_contain_text("a week")
    await expect(row).not_to_contain_text("refuses")
    await page.get_by_role("button", name=f"Delete {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete budget").click()
    await expect(row).to_have_count(0)


async def test_a_limit_that_is_none_is_refused_at_its_field(visit: Visits) -> None:
    page = await visit("/settings/budgets", CHARLIE)
    await added(page, "Nothing", "0")
    field = page.get_by_label("Limit in USD")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("more than 0")).to_be_visible()
    visit.errors.clear()


async def test_a_spent_budget_says_so_where_one_sends(visit: Visits, server: Served) -> None:
    with server.client(BOB) as bob:
        prompt = made(bob)
        spend(bob, prompt["id"])
        body = {"name": "Greeter's", "period": "month", "limit": "5", "is_hard": True}
        budget = bob.post("/api/budgets", json={**body, "prompt_id": prompt["id"]}).json()
        assert budget["state"] == "over"
        page = await visit("/settings/budgets", BOB)
        await expect(page.get_by_role("listitem").filter(has_text="Used up")).to_contain_text(
            prompt["name"]
        )
        page = await visit(f"/ai/prompts/run/{prompt['id']}", BOB)
        await page.get_by_label("name", exact=True).fill("Ada")
        await page.get_by_role("button", name=re.compile("Run|Send")).last.click()
        await expect(page.get_by_text("The budget Greeter's is used up").first).to_be_visible()
        page = await visit("/ai/analytics", BOB)
        await expect(page.get_by_role("region", name="Budgets")).to_contain_text("Used up")
        bob.delete(f"/api/budgets/{budget['id']}")


def spend(client: httpx.Client, prompt_id: str) -> None:
    """Spend ten dollars on a prompt: ten tokens at a dollar each."""
    assert client.put("/api/models/openai/text:1/price", json=PRICE).is_success
    ran(client, prompt_id, "openai/text:1")


@views
async def test_nothing_keeps_people_out(visit: Visits, dark: bool, phone: bool) -> None:
    page = await visit("/settings/budgets", CHARLIE, dark=dark, phone=phone)
    await added(page, unique("Soft"), "3")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Add budget").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await problems(page) == []

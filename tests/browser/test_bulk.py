"""Many runs at once: selected, changed, and put back."""

from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visits
from tests.browser.listed import new_prompt, new_run, new_runs
from tests.browser.test_runs_page import names, row
from tests.runs.calling import get


@pytest.fixture
def tag() -> str:
    """A tag that no other test has."""
    return f"tag-{uuid4().hex[:8]}"


async def pick(page: Page, *wanted: str) -> None:
    for name in wanted:
        await row(page, name).get_by_role("checkbox").check()


async def count(page: Page) -> str:
    return await page.locator("[data-bulk-count]").inner_text()


async def test_one_a_range_the_page_and_all(visit: Visits, alice: httpx.Client) -> None:
    prompt = new_prompt(alice)
    new_runs(alice, prompt, 55)
    page = await visit(f"/ai/prompts/{prompt}/runs")
    bar = page.get_by_role("toolbar", name="Selected runs")
    await expect(bar).to_be_hidden()
    await pick(page, "Run 054")
    await expect(bar).to_contain_text("1 selected")
    await row(page, "Run 050").get_by_role("checkbox").click(modifiers=["Shift"])
    await expect(bar).to_contain_text("5 selected")
    await expect(page.get_by_label("Select all on this page")).to_have_js_property(
        "indeterminate", True
    )
    await page.keyboard.press("Escape")
    await expect(bar).to_be_hidden()
    await page.get_by_label("Select all on this page").check()
    await expect(bar).to_contain_text("50 selected")
    await page.get_by_role("button", name="Select all 55").click()
    await expect(bar).to_contain_text("55 selected")
    await page.get_by_role("button", name="Archive").click()
    await expect(page.locator("#runs .empty")).to_be_visible()
    await expect(page.locator(".toast", has_text="55 runs archived")).to_be_visible()
    assert get(alice, "/api/runs/totals", prompt_id=prompt)["runs"] == 0
    await page.get_by_role("button", name="Undo").click()
    await expect(names(page)).to_have_count(50)
    assert get(alice, "/api/runs/totals", prompt_id=prompt)["runs"] == 55


async def test_stars_are_put_back_as_they_were(
    visit: Visits, alice: httpx.Client, tag: str
) -> None:
    for name in ("One", "Two", "Three"):
        new_run(alice, None, name, tags=[tag])
    page = await visit(f"/ai/runs?tag={tag}")
    await page.get_by_role("button", name="Star Two").click()
    await expect(row(page, "Two")).to_have_attribute("data-starred", "true")
    await pick(page, "One", "Two")
    await page.get_by_role("toolbar").get_by_role("button", name="Star").click()
    await expect(page.locator(".toast", has_text="1 run starred")).to_be_visible()
    await expect(row(page, "One")).to_have_attribute("data-starred", "true")
    await page.get_by_role("button", name="Undo").click()
    await expect(row(page, "One")).to_have_attribute("data-starred", "false")
    await expect(row(page, "Two")).to_have_attribute("data-starred", "true")


async def test_a_tag_is_typed_or_chosen(visit: Visits, alice: httpx.Client, tag: str) -> None:
    for name in ("One", "Two"):
        new_run(alice, None, name, tags=[tag])
    page = await visit(f"/ai/runs?tag={tag}")
    await expect(page.locator(f"#sidebar >> text={tag}").first).to_be_visible()
    await pick(page, "One", "Two")
    await page.get_by_role("button", name="Tag", exact=True).click()
    dialog = page.get_by_role("dialog", name="Tag 2 runs")
    await dialog.get_by_label("Tag", exact=True).fill(f"new-{tag}")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast", has_text="2 runs tagged")).to_be_visible()
    await expect(row(page, "One").locator(".tag", has_text=f"new-{tag}")).to_be_visible()
    await pick(page, "One")
    await page.get_by_role("button", name="Tag", exact=True).click()
    await (
        page.get_by_role("dialog", name="Tag 1 run")
        .get_by_label("Tag", exact=True)
        .fill(f"new-{tag}")
    )
    await page.get_by_role("button", name="Remove tag").click()
    await expect(row(page, "One").locator(".tag", has_text=f"new-{tag}")).to_have_count(0)


async def test_deleted_runs_are_restored_or_go_for_good(
    visit: Visits, alice: httpx.Client, tag: str
) -> None:
    ids = {
        name: new_run(alice, None, f"{tag} {name}", tags=[tag]) for name in ("one", "two", "three")
    }
    page = await visit(f"/ai/runs?tag={tag}")
    await page.get_by_label("Select all on this page").check()
    await page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    await expect(page.locator(".toast", has_text="3 runs deleted")).to_be_visible()
    await page.goto(f"/ai/runs?view=deleted&tag={tag}")
    await expect(names(page)).to_have_count(3)
    await page.get_by_role("button", name=f"More for {tag} three").click()
    await page.get_by_role("menuitem", name="Delete for good").click()
    question = page.get_by_role("dialog", name=f"Delete “{tag} three” for good?")
    await question.get_by_role("button", name="Delete for good").click()
    await expect(names(page)).to_have_count(2)
    assert gone(alice, ids["three"])
    await pick(page, f"{tag} one")
    await page.get_by_role("button", name="Restore").click()
    await expect(names(page)).to_have_text([f"{tag} two"])
    assert get(alice, f"/api/runs/{ids['one']}")["deleted_at"] is None
    await pick(page, f"{tag} two")
    await page.get_by_role("button", name="Delete for good").click()
    question = page.get_by_role("dialog", name="Delete 1 run for good?")
    await expect(question).to_contain_text("This cannot be undone.")
    await question.get_by_role("button", name="Delete for good").click()
    await expect(page.locator("#runs .empty")).to_be_visible()
    assert gone(alice, ids["two"])


def gone(client: httpx.Client, run_id: str) -> bool:
    return client.post(f"/api/runs/{run_id}/restore").status_code == 404


async def test_keys_select(visit: Visits, alice: httpx.Client, tag: str) -> None:
    for name in ("One", "Two", "Three"):
        new_run(alice, None, name, tags=[tag])
    page = await visit(f"/ai/runs?tag={tag}")
    await row(page, "Three").locator("[data-run-name]").focus()
    await page.keyboard.press("x")
    assert await count(page) == "1 selected"
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Shift+X")
    assert await count(page) == "3 selected"
    await page.keyboard.press("s")
    await expect(row(page, "One")).to_have_attribute("data-starred", "true")

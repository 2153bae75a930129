"""The runs of all prompts, by prompt."""

import re
from uuid import uuid4

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.listed import aged, new_prompt, new_run
from tests.people import BOB

PATH = "/ai/prompts/runs"


def group(page: Page, prompt_id: str) -> Locator:
    return page.locator(f"#group-{prompt_id}")


async def test_each_prompt_with_its_newest_runs(visit: Visits, alice: httpx.Client) -> None:
    prompt = new_prompt(alice, "Grouped")
    for name in ("One", "Two", "Three", "Four"):
        new_run(alice, prompt, name)
    other = new_prompt(alice, "Later")
    new_run(alice, other, "Five")
    page = await visit(PATH)
    groups = page.locator("tbody.run-group")
    await expect(groups.nth(0)).to_have_id(f"group-{other}")
    await expect(groups.nth(1)).to_have_id(f"group-{prompt}")
    await expect(group(page, prompt).locator("[data-run-name] bdi")).to_have_text(
        ["Four", "Three", "Two"]
    )
    await group(page, prompt).get_by_role("link", name="All 4 runs").click()
    await expect(page).to_have_url(re.compile(f"/ai/prompts/{prompt}/runs$"))


async def test_a_search_finds_prompts_and_runs(visit: Visits, alice: httpx.Client) -> None:
    word = f"w{uuid4().hex[:8]}"
    by_name, by_run = new_prompt(alice, f"Named {word}"), new_prompt(alice)
    new_run(alice, by_name, "Anything")
    new_run(alice, by_run, f"About {word}")
    new_run(alice, by_run, "About nothing")
    page = await visit(PATH)
    await page.get_by_role("searchbox").fill(word)
    await expect(page.locator("tbody.run-group")).to_have_count(2)
    await expect(group(page, by_run).locator("[data-run-name] bdi")).to_have_text([f"About {word}"])
    await expect(page).to_have_url(re.compile(f"q={word}"))
    await page.get_by_role("searchbox").fill(f"{word} nothing")
    await expect(page.locator("#runs .empty")).to_contain_text("No prompt or run matches")


async def test_more_prompts_come_when_asked_for(
    visit: Visits, alice: httpx.Client, database_url: str
) -> None:
    word = f"w{uuid4().hex[:8]}"
    prompts = [new_prompt(alice, f"{word} {number}") for number in range(12)]
    for number, prompt in enumerate(prompts):
        aged(database_url, new_run(alice, prompt, "Run"), hours=number + 1)
    page = await visit(f"{PATH}?q={word}")
    await expect(page.locator("tbody.run-group")).to_have_count(10)
    await page.get_by_role("button", name="Load 10 more prompts").click()
    await expect(page.locator("tbody.run-group")).to_have_count(12)
    ids = await page.locator("tbody.run-group").evaluate_all("all => all.map((one) => one.id)")
    assert ids == [f"group-{prompt}" for prompt in prompts]


async def test_runs_are_starred_renamed_and_deleted_here(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = new_prompt(alice)
    new_run(alice, prompt, "Before")
    new_run(alice, prompt, "Go")
    page = await visit(PATH)
    runs = group(page, prompt).locator("[data-run-name] bdi")
    await runs.nth(1).hover()
    await group(page, prompt).get_by_role("button", name="Star Before").click()
    await page.get_by_role("button", name="More for Before").last.click()
    await page.get_by_role("menuitem", name="Rename").click()
    await page.get_by_label("Name of the run").fill("After")
    await page.keyboard.press("Enter")
    await expect(runs).to_have_text(["Go", "After"])
    await group(page, prompt).locator("[data-run-name]", has_text="Go").focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("button", name="Delete run").click()
    await expect(runs).to_have_text(["After"])
    await page.get_by_role("button", name="Undo").click()
    await expect(runs).to_have_text(["Go", "After"])


async def test_nobody_sees_the_prompts_of_others(visit: Visits, alice: httpx.Client) -> None:
    prompt = new_prompt(alice)
    new_run(alice, prompt, "Hers")
    page = await visit(PATH, BOB)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Runs by prompt")
    await expect(group(page, prompt)).to_have_count(0)


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool
) -> None:
    new_run(alice, new_prompt(alice), "One")
    page = await visit(PATH, dark=dark, phone=phone)
    assert await problems(page) == []

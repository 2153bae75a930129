"""The runs beside a conversation."""

from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.listed import Finger, aged, delete_run, fail_run, new_prompt, new_run, new_runs
from tests.people import BOB
from tests.runs.calling import execute, get, user
from tests.search.finding import settle

SIDEBAR = "#sidebar"


def names(page: Page) -> Locator:
    return page.locator(f"{SIDEBAR} [data-run-name] bdi")


def item(page: Page, name: str) -> Locator:
    return page.locator(f'{SIDEBAR} [data-run-item][data-name="{name}"]')


async def opened(page: Page) -> Page:
    """Open the drawer of a phone."""
    await page.locator(".phone-menu").click()
    await expect(page.locator(SIDEBAR)).to_be_in_viewport(ratio=0.9)
    return page


@pytest.fixture
def prompt(alice: httpx.Client) -> str:
    return new_prompt(alice)


@pytest.fixture
def here(prompt: str) -> str:
    """The page of a prompt, whose sidebar has that prompt's runs."""
    return f"/ai/prompts/run/{prompt}"


async def test_runs_are_grouped_by_day_with_what_they_say(
    visit: Visits, alice: httpx.Client, prompt: str, here: str, database_url: str
) -> None:
    for name, days in (("Old", 40.0), ("Week", 4.0), ("Day", 1.0)):
        aged(database_url, new_run(alice, prompt, name), days=days)
    run_id = new_run(alice, prompt, "New")
    page = await visit(f"{here}/{run_id}")
    await expect(page.locator(f"{SIDEBAR} h2.group-label")).to_have_text(
        ["Today", "Yesterday", "Last 7 days", "Older"]
    )
    await expect(names(page)).to_have_text(["New", "Day", "Week", "Old"])
    new = item(page, "New")
    await expect(new.locator("time")).to_have_text("now")
    await expect(new.locator(".run-item-preview")).to_have_text("Review New")
    await expect(new.locator(".run-count")).to_contain_text("2 messages")
    await expect(new.locator("[aria-current=true]")).to_have_count(1)
    await expect(page.locator(f"{SIDEBAR} [aria-current=true]")).to_have_count(1)
    await expect(page.locator("[data-sidebar-toggle]")).to_have_text("Sidebar with 4 runs")


async def test_twenty_at_a_time_and_a_day_goes_on_under_its_heading(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    new_runs(alice, prompt, 45)
    page = await visit(here)
    await expect(names(page)).to_have_count(20)
    await page.get_by_role("button", name="Load 20 more of 45").click()
    await expect(names(page)).to_have_count(40)
    await page.get_by_role("button", name="Load 20 more of 45").click()
    await expect(names(page)).to_have_count(45)
    await expect(page.locator(f"{SIDEBAR} h2.group-label")).to_have_text(["Today"])
    await expect(names(page)).to_have_text([f"Run {n:03}" for n in reversed(range(45))])
    await expect(page.get_by_role("button", name="Load 20 more")).to_have_count(0)


async def test_how_the_last_answer_stands_is_said_in_words_too(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    fail_run(alice, prompt, "Bad")
    page = await visit(here)
    await expect(item(page, "Bad").get_by_role("img", name="Failed")).to_be_visible()


async def test_what_another_tab_does_shows_at_once(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    first = new_run(alice, prompt, "First")
    new_run(alice, prompt, "Second")
    page = await visit(here)
    other = await visit(here, again=page)
    await expect(names(page)).to_have_text(["Second", "First"])
    new_run(alice, prompt, "Third")
    await expect(names(page)).to_have_text(["Third", "Second", "First"])
    await expect(names(other)).to_have_text(["Third", "Second", "First"])
    await item(page, "Second").locator("[data-run-name]").focus()
    execute(alice, run_id=first, messages=[user("More")])
    await expect(names(page)).to_have_text(["First", "Third", "Second"])
    await expect(item(page, "Second").locator("[data-run-name]")).to_be_focused()
    await expect(item(page, "First").locator(".run-count")).to_contain_text("4")
    delete_run(alice, first)
    await expect(names(page)).to_have_text(["Third", "Second"])
    await expect(page.locator("[data-sidebar-toggle]")).to_have_text("Sidebar with 2 runs")


async def test_search_stars_and_order(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    for name in ("Beta", "Alpha", "Gamma"):
        new_run(alice, prompt, name)
    settle(alice)
    page = await visit(here)
    await page.get_by_role("button", name="Search and sort runs").click()
    search = page.get_by_role("searchbox", name="Search these runs").first
    await expect(search).to_be_focused()
    await search.press_sequentially("gam")
    await expect(names(page)).to_have_text(["Gamma"])
    await search.fill("nothing like it")
    await expect(page.locator(f"{SIDEBAR} .empty")).to_contain_text(
        "No run matches “nothing like it”"
    )
    await search.fill("")
    await expect(names(page)).to_have_count(3)
    await page.get_by_label("Sort by").first.select_option("name")
    await expect(names(page)).to_have_text(["Alpha", "Beta", "Gamma"])
    await item(page, "Beta").hover()
    await item(page, "Beta").get_by_role("button", name="Star Beta").click()
    await expect(item(page, "Beta").get_by_role("button", name="Star Beta")).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.locator(f"{SIDEBAR} label", has_text="Starred").click()
    await expect(names(page)).to_have_text(["Beta"])
    again = await visit(here, again=page)  # the order is remembered, the filter is not
    await expect(names(again)).to_have_text(["Alpha", "Beta", "Gamma"])


async def test_the_runs_of_all_prompts_are_remembered(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    new_run(alice, prompt, "Here")
    new_run(alice, new_prompt(alice), "Elsewhere")
    page = await visit(here)
    await expect(names(page)).to_have_text(["Here"])
    await page.get_by_label("Which runs").select_option("all")
    await expect(item(page, "Elsewhere")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Which runs")).to_have_value("all")
    await expect(item(page, "Elsewhere")).to_be_visible()


async def test_a_name_is_changed_where_it_stands(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    run_id = new_run(alice, prompt, "Before")
    page = await visit(here)
    await item(page, "Before").hover()
    await page.get_by_role("button", name="More for Before").click()
    await page.get_by_role("menuitem", name="Rename").click()
    field = page.get_by_label("Name of the run").first
    await expect(field).to_be_focused()
    await field.fill("Thrown away")
    await field.press("Escape")
    await expect(names(page)).to_have_text(["Before"])
    await page.keyboard.press("r")
    await field.fill("After <b>")
    await field.press("Enter")
    await expect(names(page)).to_have_text(["After <b>"])
    await page.reload()
    await expect(names(page)).to_have_text(["After <b>"])
    assert get(alice, f"/api/runs/{run_id}")["name"] == "After <b>"


async def test_deleting_says_what_goes_and_can_be_undone(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    new_run(alice, prompt, "Keep")
    new_run(alice, prompt, "Go")
    page = await visit(here)
    await item(page, "Go").locator("[data-run-name]").focus()
    await page.keyboard.press("Delete")
    question = page.get_by_role("dialog", name="Delete “Go”?")
    await expect(question).to_contain_text("Its 2 messages go with it.")
    await question.get_by_role("button", name="Cancel").click()
    await expect(names(page)).to_have_text(["Go", "Keep"])
    await item(page, "Go").locator("[data-run-name]").focus()
    await page.keyboard.press("Delete")
    await question.get_by_role("button", name="Delete run").click()
    await expect(names(page)).to_have_text(["Keep"])
    await page.get_by_role("button", name="Undo").click()
    await expect(names(page)).to_have_text(["Go", "Keep"])


async def test_keys_move_between_runs_star_and_archive(
    visit: Visits, alice: httpx.Client, prompt: str, here: str
) -> None:
    new_run(alice, prompt, "Lower")
    new_run(alice, prompt, "Upper")
    page = await visit(here)
    await item(page, "Upper").locator("[data-run-name]").focus()
    await page.keyboard.press("ArrowDown")
    await expect(item(page, "Lower").locator("[data-run-name]")).to_be_focused()
    await page.keyboard.press("s")
    star = item(page, "Lower").get_by_role("button", name="Star Lower")
    await expect(star).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("a")
    await expect(names(page)).to_have_text(["Lower"])
    await page.get_by_role("button", name="Undo").click()
    await expect(names(page)).to_have_text(["Upper", "Lower"])


async def test_it_is_put_away_and_stays_so_without_a_shift(visit: Visits, here: str) -> None:
    page = await visit(here)
    box = await page.locator(SIDEBAR).bounding_box()
    assert box
    assert 270 <= box["width"] <= 320
    toggle = page.get_by_role("button", name="Sidebar with")
    await toggle.click()
    await expect(page.locator(SIDEBAR)).to_be_hidden()
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await page.reload()
    await expect(page.locator(SIDEBAR)).to_be_hidden()
    await page.locator("main").focus()
    await page.keyboard.press("b")
    await expect(page.locator(SIDEBAR)).to_be_visible()


async def test_nobody_sees_the_runs_of_others(
    visit: Visits, alice: httpx.Client, bob: httpx.Client
) -> None:
    secret = f"Secret {uuid4().hex}"
    new_run(alice, None, secret)
    page = await visit("/ai/chat", BOB)
    new_run(bob, None, "Mine, afterwards")
    await expect(item(page, "Mine, afterwards").first).to_be_visible()
    await expect(item(page, secret)).to_have_count(0)


class TestOnAPhone:
    async def test_it_is_a_drawer_that_a_swipe_or_its_button_closes(
        self, visit: Visits, alice: httpx.Client, prompt: str, here: str
    ) -> None:
        new_run(alice, prompt, "One")
        page = await visit(here, phone=True)
        await expect(page.locator(SIDEBAR)).to_be_hidden()
        await expect(page.locator(".phone-menu")).to_contain_text("1")
        await opened(page)
        await page.get_by_role("button", name="Close").click()
        await expect(page.locator(SIDEBAR)).to_be_hidden()
        await opened(page)
        await Finger(page).drag(f"{SIDEBAR} .group-label", by=(-200, 4), start=0.9)
        await expect(page.locator(SIDEBAR)).to_be_hidden()

    async def test_a_swipe_deletes_and_undo_brings_it_back(
        self, visit: Visits, alice: httpx.Client, prompt: str, here: str
    ) -> None:
        new_run(alice, prompt, "One")
        new_run(alice, prompt, "Two")
        page = await opened(await visit(here, phone=True))
        first = f'{SIDEBAR} [data-name="Two"]'
        await Finger(page).drag(first, by=(-60, 2), start=0.8)
        await expect(names(page)).to_have_text(["Two", "One"])
        await Finger(page).drag(first, by=(-180, 4), start=0.8)
        await expect(names(page)).to_have_text(["One"])
        assert page.url.endswith(here)
        await page.get_by_role("button", name="Undo").click()
        await expect(names(page)).to_have_text(["Two", "One"])

    async def test_holding_opens_what_can_be_done(
        self, visit: Visits, alice: httpx.Client, prompt: str, here: str
    ) -> None:
        new_run(alice, prompt, "One")
        page = await opened(await visit(here, phone=True))
        await Finger(page).hold(f'{SIDEBAR} [data-name="One"]', "#run-menu")
        await page.get_by_role("menuitem", name="Star").tap()
        await expect(item(page, "One")).to_have_attribute("data-starred", "true")
        assert page.url.endswith(here)

    async def test_pulling_down_refreshes(
        self, visit: Visits, alice: httpx.Client, prompt: str, here: str
    ) -> None:
        new_run(alice, prompt, "One")
        page = await opened(await visit(here, phone=True))
        await expect(names(page)).to_have_text(["One"])
        async with page.expect_response(lambda got: "/ai/runs/sidebar?" in got.url):
            await Finger(page).drag(f"{SIDEBAR} .group-label", by=(0, 300))
        await expect(names(page)).to_have_text(["One"])

    async def test_fingers_find_what_they_aim_at(
        self, visit: Visits, alice: httpx.Client, prompt: str, here: str
    ) -> None:
        new_run(alice, prompt, "One")
        page = await opened(await visit(here, phone=True))
        for part in (".phone-menu", f"{SIDEBAR} .sidebar-header .icon-button", ".run-item"):
            box = await page.locator(part).first.bounding_box()
            assert box
            assert box["height"] >= 36, part


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, prompt: str, here: str, dark: bool, phone: bool
) -> None:
    new_run(alice, prompt, "One")
    page = await visit(here, dark=dark, phone=phone)
    if phone:
        await opened(page)
    await page.get_by_role("button", name="Search and sort runs").click()
    assert await problems(page) == []

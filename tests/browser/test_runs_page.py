"""All runs, and those of one prompt, in a table."""

import re
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.listed import (
    Finger,
    delete_run,
    fail_run,
    new_person,
    new_prompt,
    new_run,
    new_runs,
)
from tests.people import BOB
from tests.runs.calling import execute, get, user
from tests.search.finding import settle


def names(page: Page) -> Locator:
    return page.locator("#runs [data-run-name] bdi")


def row(page: Page, name: str) -> Locator:
    return page.locator(f'#runs tr[data-name="{name}"]')


@pytest.fixture
def tag() -> str:
    """A tag that no other test has."""
    return f"tag-{uuid4().hex[:8]}"


@pytest.fixture
def tagged(tag: str) -> str:
    """The page of the runs with that tag."""
    return f"/ai/runs?tag={tag}"


async def test_a_row_says_what_a_run_is(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    run_id = new_run(alice, None, "Why <b>?", tags=[tag])
    page = await visit(tagged)
    found = row(page, "Why <b>?")
    await expect(found.locator(".source").first).to_have_text("Chat")
    await expect(found.locator(".preview")).to_have_text("Why <b>?")
    await expect(found.get_by_text("echo").first).to_be_visible()
    await expect(found.locator("td.amount").nth(0)).to_have_text("2")
    await expect(found.locator("td.amount").nth(2)).to_have_text("—")  # nobody knows its price
    await expect(found.locator("td.amount time")).to_have_text("now")
    await found.locator("[data-run-name]").click()
    await expect(page).to_have_url(re.compile(f"/ai/chat/{run_id}$"))


async def test_the_sums_are_of_all_that_matches(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    for name in ("One", "Two", "Three"):
        new_run(alice, None, name, tags=[tag])
    settle(alice)
    page = await visit(tagged)
    totals = page.locator("#run-totals")
    await expect(totals).to_contain_text("runs3")
    await expect(totals).to_contain_text("messages6")
    await expect(totals).to_contain_text("—")
    await page.get_by_role("searchbox").fill("two")
    await expect(totals).to_contain_text("run1")
    await expect(names(page)).to_have_text(["Two"])


async def test_filters_are_in_the_address_and_on_chips(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    prompt = new_prompt(alice)
    new_run(alice, prompt, "By a prompt", tags=[tag])
    new_run(alice, None, "By hand", tags=[tag])
    page = await visit(tagged)
    await page.get_by_role("button", name="Filter", exact=False).last.click()
    await page.get_by_label("Source", exact=True).select_option("chat")
    await page.get_by_role("button", name="Apply").click()
    await expect(names(page)).to_have_text(["By hand"])
    await expect(page).to_have_url(re.compile(f"source=chat&tag={tag}"))
    await page.reload()
    await expect(names(page)).to_have_text(["By hand"])
    await expect(page.locator(".chip:not(.add)")).to_have_text(["Source Chat", f"Tag {tag}"])
    await page.get_by_role("button", name="Source Chat").click()
    await expect(page.get_by_label("Source", exact=True)).to_be_focused()
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Remove filter Source").click()
    await expect(names(page)).to_have_text(["By hand", "By a prompt"])
    await expect(page).to_have_url(re.compile(rf"/ai/runs\?tag={tag}$"))
    await page.go_back()
    await expect(names(page)).to_have_text(["By hand"])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("status=error", ["Bad"]),
        ("status=completed", ["Good"]),
        ("starred=true", ["Good"]),
        ("model=openai/echo", ["Good"]),
        ("since=2999-01-01", []),
        ("until=2000-01-01", []),
        ("since=2020-01-01&until=2999-01-01", ["Bad", "Good"]),
        ("since=2026-02-02&until=2026-01-01", []),
    ],
)
async def test_each_filter(
    visit: Visits, alice: httpx.Client, filters: str, found: list[str]
) -> None:
    prompt = new_prompt(alice)
    good = new_run(alice, prompt, "Good")
    star(alice, good)
    fail_run(alice, prompt, "Bad")
    page = await visit(f"/ai/prompts/{prompt}/runs?{filters}")
    await expect(names(page)).to_have_text(found)
    if not found:
        await expect(page.locator("#runs .empty")).to_contain_text("No run matches these filters")
        await page.get_by_role("link", name="Clear the search").click()
        await expect(names(page)).to_have_count(2)


def star(client: httpx.Client, run_id: str) -> None:
    client.patch(f"/api/runs/{run_id}", json={"is_starred": True})


async def test_a_search_waits_until_one_has_typed(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    for name in ("Apple", "Apricot", "Banana"):
        new_run(alice, None, name, tags=[tag])
    settle(alice)
    page = await visit(tagged, alone=True)
    asked: list[str] = []
    page.on("request", lambda sent: "q=" in sent.url and asked.append(sent.url))
    search = page.get_by_role("searchbox")
    await search.press_sequentially("apr", delay=20)
    await expect(names(page)).to_have_text(["Apricot"])
    await expect(search).to_be_focused()
    await expect(search).to_have_value("apr")
    assert len([url for url in asked if "/ai/runs?" in url]) == 1
    await search.fill("cherry")
    await expect(page.locator("#runs .empty")).to_contain_text("No run matches “cherry”")
    await page.get_by_role("link", name="Clear the search").click()
    await expect(names(page).first).to_be_visible()


async def test_it_is_sorted_by_its_heads_and_by_a_list(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    first = new_run(alice, None, "Banana", tags=[tag])
    new_run(alice, None, "Apple", tags=[tag])
    execute(alice, run_id=first, messages=[user("More")])
    new_run(alice, None, "Cherry", tags=[tag])
    page = await visit(tagged)
    await expect(names(page)).to_have_text(["Cherry", "Banana", "Apple"])
    await page.get_by_role("link", name="Name").click()
    await expect(names(page)).to_have_text(["Apple", "Banana", "Cherry"])
    await expect(page.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "ascending"
    )
    await expect(page.get_by_label("Sort by")).to_have_value("name")
    await page.get_by_label("Sort by").select_option("messages")
    await expect(names(page).first).to_have_text("Banana")
    await expect(page).to_have_url(re.compile("sort=messages"))
    await page.get_by_label("Sort by").select_option("oldest")
    await expect(names(page)).to_have_text(["Banana", "Apple", "Cherry"])


async def test_fifty_at_a_time(visit: Visits, alice: httpx.Client) -> None:
    prompt = new_prompt(alice)
    new_runs(alice, prompt, 60)
    page = await visit(f"/ai/prompts/{prompt}/runs")
    await expect(names(page)).to_have_count(50)
    await page.get_by_role("button", name="Load 50 more").click()
    await expect(names(page)).to_have_text([f"Run {n:03}" for n in reversed(range(60))])


async def test_rows_change_where_they_stand_and_new_ones_wait(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    first = new_run(alice, None, "First", tags=[tag])
    new_run(alice, None, "Second", tags=[tag])
    page = await visit(tagged)
    other = await visit(tagged, again=page)
    await expect(names(page)).to_have_text(["Second", "First"])
    execute(alice, run_id=first, messages=[user("More")])
    await expect(row(page, "First").locator("td.amount").first).to_have_text("4")
    await expect(names(page)).to_have_text(["Second", "First"])
    new_run(alice, None, "Third", tags=[tag])
    fresh = page.get_by_role("button", name="1 new run")
    await expect(fresh).to_be_visible()
    await expect(names(page)).to_have_text(["Second", "First"])
    await fresh.click()
    await expect(names(page)).to_have_text(["Third", "First", "Second"])
    await expect(fresh).to_be_hidden()
    delete_run(alice, first)
    await expect(names(page)).to_have_text(["Third", "Second"])
    await expect(names(other)).to_have_text(["Second"])
    await expect(page.locator("#run-totals")).to_contain_text("runs2")


async def test_a_run_has_its_menu(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    run_id = new_run(alice, None, "Before", tags=[tag])
    page = await visit(tagged)
    await row(page, "Before").hover()
    await page.get_by_role("button", name="More for Before").click()
    await expect(page.get_by_role("menuitem", name="Open in new tab")).to_have_attribute(
        "href", re.compile(run_id)
    )
    await page.get_by_role("menuitem", name="Rename").click()
    await page.get_by_label("Name of the run").fill("After")
    await page.keyboard.press("Enter")
    await expect(names(page)).to_have_text(["After"])
    await page.get_by_role("button", name="Star After").click()
    await expect(row(page, "After")).to_have_attribute("data-starred", "true")
    await page.get_by_role("button", name="More for After").click()
    await page.get_by_role("menuitem", name="Archive").click()
    await expect(page.locator("#runs .empty")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(names(page)).to_have_text(["After"])
    found = get(alice, f"/api/runs/{run_id}")
    assert (found["name"], found["is_starred"]) == ("After", True)


async def test_the_runs_of_a_prompt(visit: Visits, alice: httpx.Client) -> None:
    prompt = new_prompt(alice, "Ours")
    run_id = new_run(alice, prompt, "Mine")
    new_run(alice, new_prompt(alice), "Not mine")
    settle(alice)
    page = await visit(f"/ai/prompts/{prompt}/runs")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Ours")
    await expect(names(page)).to_have_text(["Mine"])
    await expect(page.get_by_role("link", name="Edit prompt")).to_have_attribute(
        "href", f"/ai/prompts/{prompt}/edit"
    )
    await expect(page.get_by_role("link", name="Run", exact=True)).to_have_attribute(
        "href", f"/ai/prompts/run/{prompt}"
    )
    await page.get_by_role("searchbox").fill("mine")
    await expect(page).to_have_url(re.compile(f"/ai/prompts/{prompt}/runs\\?q=mine"))
    await page.get_by_role("link", name="Mine", exact=True).click()
    await expect(page).to_have_url(re.compile(f"/ai/prompts/run/{prompt}/{run_id}"))


async def test_views_have_their_numbers(visit: Visits, alice: httpx.Client, tag: str) -> None:
    star(alice, new_run(alice, None, "Starred one", tags=[tag]))
    page = await visit("/ai/runs")
    await expect(page.locator("[data-view][href='/ai/runs'] .count")).to_have_text(
        re.compile(r"\d")
    )
    await page.locator("#sidebar").get_by_role("link", name=tag).click()
    await expect(names(page)).to_have_text(["Starred one"])
    await expect(page.locator("[data-view][aria-current=page]")).to_contain_text(tag)
    await page.locator("#sidebar").get_by_role("link", name="Starred").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Starred")
    await expect(row(page, "Starred one").first).to_be_visible()


async def test_what_is_not_there_yet_says_how_to_begin(visit: Visits, alice: httpx.Client) -> None:
    page = await visit("/ai/runs", new_person(alice))
    await expect(page.locator("#runs .empty")).to_contain_text("No runs yet")
    await page.locator("#runs").get_by_role("link", name="New chat").click()
    await expect(page).to_have_url(re.compile("/ai/chat$"))
    for view, said in (
        ("view=archived", "The archive is empty"),
        ("view=deleted", "Nothing is deleted"),
        ("starred=true", "No starred runs"),
    ):
        await page.goto(f"/ai/runs?{view}")
        await expect(page.locator("#runs .empty")).to_contain_text(said)


async def test_a_day_that_is_none_is_refused_in_words(visit: Visits) -> None:
    page = await visit("/ai/runs")
    answer = await page.request.get("/ai/runs?since=soon", headers={"accept": "text/html"})
    assert answer.status == 422
    assert "since is a day, as 2026-11-21." in await answer.text()


async def test_nobody_sees_the_runs_of_others(
    visit: Visits, alice: httpx.Client, bob: httpx.Client, tag: str, tagged: str
) -> None:
    new_run(alice, None, "Hers", tags=[tag])
    page = await visit(tagged, BOB)
    await expect(page.locator("#runs .empty")).to_be_visible()
    new_run(bob, None, "His", tags=[tag])
    await expect(names(page)).to_have_text(["His"])
    prompt = new_prompt(alice)
    answer = await page.request.get(f"/ai/prompts/{prompt}/runs")
    assert answer.status == 404


async def test_it_works_without_scripts(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    new_run(alice, None, "Alpha", tags=[tag])
    new_run(alice, None, "Beta", tags=[tag])
    settle(alice)
    page = await visit(tagged, java_script_enabled=False)
    await page.get_by_role("searchbox").fill("alp*")
    await page.get_by_role("searchbox").press("Enter")
    await expect(names(page)).to_have_text(["Alpha"])
    await page.get_by_role("link", name="Remove filter Tag").click()
    await expect(row(page, "Alpha").first).to_be_visible()


async def test_nothing_shifts_while_it_loads(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str
) -> None:
    new_run(alice, None, "One", tags=[tag])
    for phone in (False, True):
        page = await visit(tagged, phone=phone)
        await expect(page.locator("#run-totals")).to_contain_text("run1")
        shift = await page.evaluate(
            "new Promise((done) => new PerformanceObserver((seen) => done("
            "seen.getEntries().reduce((sum, one) => sum + one.value, 0)))"
            ".observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done(0), 300))"
        )
        assert shift < 0.02


class TestOnAPhone:
    async def test_rows_have_two_lines_and_nothing_sticks_out(
        self, visit: Visits, alice: httpx.Client, tag: str, tagged: str
    ) -> None:
        new_run(alice, None, "A name that is far too long for one line of a telephone", tags=[tag])
        page = await visit(tagged, phone=True)
        box = await page.locator("#runs tr.row").first.bounding_box()
        assert box
        assert box["height"] >= 44
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await page.get_by_role("button", name="Filter", exact=False).last.tap()
        await expect(page.get_by_label("Model")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360

    async def test_holding_opens_what_can_be_done(
        self, visit: Visits, alice: httpx.Client, tag: str, tagged: str
    ) -> None:
        new_run(alice, None, "One", tags=[tag])
        page = await visit(tagged, phone=True)
        await Finger(page).hold("#runs tr.row", "#run-menu")
        await page.get_by_role("menuitem", name="Star").tap()
        await expect(row(page, "One")).to_have_attribute("data-starred", "true")


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, tag: str, tagged: str, dark: bool, phone: bool
) -> None:
    new_run(alice, None, "One", tags=[tag])
    page = await visit(tagged, dark=dark, phone=phone)
    await expect(page.locator("#run-totals")).to_contain_text("run1")
    await row(page, "One").get_by_role("checkbox").check()
    await expect(page.get_by_role("toolbar")).to_be_visible()
    assert await problems(page) == []
    await page.get_by_role("button", name="Filter", exact=False).last.click()
    assert await problems(page) == []

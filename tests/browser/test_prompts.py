"""The table of prompts: found, sorted, run, duplicated, deleted and put back."""

import re

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import can_be_restored, deleted, exists, got, made, ran, unique
from tests.people import BOB
from tests.serving import Served


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a prompt."""
    return page.locator("tbody", has=page.get_by_role("link", name=name, exact=True))


async def menu_of(page: Page, name: str) -> Locator:
    """Open the menu of a prompt's row; return it."""
    await page.get_by_role("button", name=f"More of {name}").click()
    return page.locator("[data-menu]:popover-open")


async def test_a_row_says_what_a_prompt_is_and_how_it_is_used(
    visit: Visits, alice: httpx.Client
) -> None:
    names = ["one", "two", "three", "four", "five"]
    prompt = made(
        alice,
        " ".join(f"{{{{{name}}}}}" for name in names),
        description="Says hello",
        variables=[{"name": name, "default": "x"} for name in names],
    )
    ran(alice, prompt["id"], variables={})
    ran(alice, prompt["id"], "openai/fail:400", variables={})
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    row = row_of(page, prompt["name"])
    await expect(row.locator(".version")).to_have_text("v1")
    await expect(row.get_by_text("Says hello")).to_be_visible()
    await expect(row.locator(".tag.variable")).to_have_text(["one", "two", "three"])
    await expect(row.get_by_text("+2")).to_be_visible()
    await expect(row.locator(".model-cell")).to_have_text("openai/echo")
    cells = await row.locator("td.amount").all_inner_texts()
    assert cells == ["2", "50 %", "—", "now"]
    link = row.get_by_role("link", name=f"Run {prompt['name']}")
    await expect(link).to_have_attribute("href", f"/ai/prompts/run/{prompt['id']}")


async def test_what_is_unknown_is_not_zero(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice, settings={})
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    row = row_of(page, prompt["name"])
    assert await row.locator("td.amount").all_inner_texts() == ["0", "—", "$0.00", "never"]
    await expect(row.locator(".model-cell")).to_have_text("—")


async def test_a_search_is_in_the_address_and_survives_typing_on(
    visit: Visits, alice: httpx.Client
) -> None:
    prompts = [made(alice, name=unique(name)) for name in ("Wombat feeder", "Wombat walker")]
    page = await visit("/ai/prompts")
    search = page.get_by_role("searchbox", name="Search prompts")
    await search.press_sequentially("wombat f", delay=30)
    await expect(row_of(page, prompts[0]["name"])).to_be_visible()
    await expect(row_of(page, prompts[1]["name"])).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/ai/prompts\?q=wombat\+f$"))
    await expect(search).to_be_focused()
    await expect(search).to_have_value("wombat f")
    await page.reload()
    await expect(row_of(page, prompts[1]["name"])).to_have_count(0)
    await page.get_by_role("searchbox").fill("no prompt is called like this")
    await expect(page.get_by_text("No prompt matches")).to_be_visible()
    await page.get_by_role("link", name="Show all").click()
    await expect(page).to_have_url(re.compile("/ai/prompts$"))


async def test_prompts_are_sorted(visit: Visits, alice: httpx.Client) -> None:
    word = unique("Sorted")
    for letter in ("b", "a", "c"):
        made(alice, name=f"{word} {letter}")
    page = await visit(f"/ai/prompts?q={word}")
    names = page.locator(".name bdi")
    await expect(names).to_have_text([f"{word} {letter}" for letter in "cab"])
    await page.get_by_label("Sort by").select_option("name")
    await expect(names).to_have_text([f"{word} {letter}" for letter in "abc"])
    await expect(page).to_have_url(re.compile("sort=name"))


async def test_more_than_a_page_is_loaded_on_demand(visit: Visits, alice: httpx.Client) -> None:
    word = unique("Paged")
    for number in range(52):
        made(alice, name=f"{word} {number}")
    page = await visit(f"/ai/prompts?q={word}")
    rows = page.locator("tr.row")
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="Load more").click()
    await expect(rows).to_have_count(52)
    await expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    assert await page.locator(".table").count() == 1


async def test_deleting_says_what_goes_and_can_be_undone(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    menu = await menu_of(page, prompt["name"])
    await menu.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name=f"Delete “{prompt['name']}”?")
    await expect(dialog).to_contain_text("1 run with 2 messages and 1 request goes with it.")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(row_of(page, prompt["name"])).to_have_count(0)
    assert not exists(alice, prompt["id"])
    await page.get_by_role("button", name="Undo").click()
    await expect(row_of(page, prompt["name"])).to_be_visible()
    assert got(alice, prompt["id"])["name"] == prompt["name"]


async def test_a_deletion_that_is_cancelled_deletes_nothing(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    menu = await menu_of(page, prompt["name"])
    await menu.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete")
    await expect(dialog).to_contain_text("It has no runs.")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert got(alice, prompt["id"])


async def test_deleted_prompts_are_restored_or_go_for_good(
    visit: Visits, alice: httpx.Client
) -> None:
    prompts = [made(alice), made(alice)]
    for prompt in prompts:
        deleted(alice, prompt["id"])
    page = await visit("/ai/prompts")
    await page.get_by_role("link", name="Deleted").click()
    await expect(page.get_by_role("heading", name="Deleted prompts")).to_be_visible()
    first = page.locator(f"#prompt-{prompts[0]['id']}")
    await first.get_by_role("button", name="Restore").click()
    await expect(first).to_have_count(0)
    assert got(alice, prompts[0]["id"])
    second = page.locator(f"#prompt-{prompts[1]['id']}")
    await second.get_by_role("button", name="for good").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    await expect(second).to_have_count(0)
    assert not can_be_restored(alice, prompts[1]["id"])


async def test_a_prompt_is_duplicated_into_the_editor(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    menu = await menu_of(page, prompt["name"])
    await menu.get_by_role("button", name="Duplicate").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value(f"{prompt['name']} (copy)")
    assert prompt["id"] not in page.url


async def test_whoever_has_none_is_shown_how_to_begin(visit: Visits, server: Served) -> None:
    with server.client(BOB) as bob:
        for prompt in bob.get("/api/prompts").json()["items"]:
            deleted(bob, prompt["id"])
    page = await visit("/ai/prompts", BOB)
    await expect(page.get_by_role("heading", name="Say it once")).to_be_visible()
    assert await problems(page) == []
    await page.get_by_role("link", name="Code review").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Code review")
    await expect(page.locator("[data-variable]")).to_have_count(2)


async def test_names_are_text_and_keep_their_direction(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice, name=unique("<b>مرحبا</b>"), description="<script>alert(1)</script>")
    page = await visit(f"/ai/prompts?q={prompt['name'][-8:]}")
    await expect(page.locator("tr.row .name bdi")).to_have_text(prompt["name"])
    await expect(page.locator("tr.row .preview")).to_have_text("<script>alert(1)</script>")


async def test_a_row_is_worked_with_the_keyboard(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    await page.get_by_role("button", name="Show run history of").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("This prompt has not run yet.")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".history")).to_have_count(0)
    await page.get_by_role("button", name="More of").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Run", exact=True)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("link", name="Edit")).to_be_focused()


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool
) -> None:
    prompt = made(alice, description="A description that is long enough to be cut off " * 3)
    ran(alice, prompt["id"])
    page = await visit(f"/ai/prompts?q={prompt['name']}", dark=dark, phone=phone)
    await page.get_by_role("button", name="Show run history of").click()
    await page.locator(".history-entry summary").click()
    await expect(page.get_by_role("button", name="Copy the response")).to_be_visible()
    assert await problems(page) == []
    wider = "document.documentElement.scrollWidth > innerWidth"
    assert not await page.evaluate(wider)


def test_strangers_find_nothing(alice: httpx.Client, bob: httpx.Client) -> None:
    prompt = made(alice)
    task = ran(alice, prompt["id"])["task_id"]
    for page in ("edit", "history", f"history/{task}", "versions", "versions/1"):
        path = f"/ai/prompts/{prompt['id']}/{page}"
        assert alice.get(path).status_code == 200, path
        assert bob.get(path).status_code == 404, path

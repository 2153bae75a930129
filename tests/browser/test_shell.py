"""The frame of every page: keys, menus, theme, toasts, and what it says while offline."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.modules import call
from tests.people import ALICE, CHARLIE

PAGE = "/settings"


async def toast(page: Page, text: str, options: str = "{}") -> None:
    """Show a toast by the module that pages use."""
    await page.evaluate(
        f"""async (text) => {{
          const app = document.querySelector('script[src$="ui/js/app.js"]').src;
          const {{ toast }} = await import(new URL("toast.js", app).href);
          toast(text, {options});
        }}""",
        text,
    )


@views
async def test_nothing_keeps_people_out(visit: Visits, dark: bool, phone: bool) -> None:
    page = await visit(PAGE, dark=dark, phone=phone)
    assert await problems(page) == []
    await page.get_by_role("button", name="account of Alice").click()
    await toast(page, "3 runs archived", "{undo() {}}")
    await toast(page, "It went wrong", "{kind: 'error'}")
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_first_tab_stop_skips_to_the_content(visit: Visits) -> None:
    page = await visit(PAGE)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_the_sheet_of_keys_lists_what_works_here(visit: Visits) -> None:
    page = await visit(PAGE)
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    await expect(sheet.get_by_text("Go to Prompts")).to_be_visible()
    assert await problems(page) == []
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()


async def test_keys_lead_to_places(visit: Visits) -> None:
    page = await visit("/settings/keys")
    await page.locator("body").click(position={"x": 400, "y": 20})
    await page.keyboard.press("Control+,")
    await page.wait_for_url(re.compile(r"/settings$"))
    await page.keyboard.press("g")
    async with page.expect_request(lambda request: request.url.endswith("/ai/prompts")):
        await page.keyboard.press("p")


async def test_keys_are_text_while_one_types(visit: Visits) -> None:
    page = await visit(PAGE)
    name = page.get_by_label("Name", exact=True)
    await name.fill("")
    await name.press_sequentially("t?gr/n")
    await expect(name).to_have_value("t?gr/n")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await page.evaluate("document.documentElement.dataset.theme") is None


async def test_names_of_keys_are_those_of_the_machine(visit: Visits) -> None:
    mark = "getComputedStyle(document.querySelector('.search-trigger kbd'), '::before').content"
    assert "Ctrl" in await (await visit(PAGE)).evaluate(mark)
    mac = await visit(PAGE, user_agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)")
    assert "⌘" in await mac.evaluate(mark)


async def test_a_menu_is_walked_with_the_keyboard(visit: Visits) -> None:
    page = await visit(PAGE)
    button = page.get_by_role("button", name="account of Alice")
    await button.focus()
    await page.keyboard.press("ArrowDown")
    settings = page.get_by_role("link", name="Settings").locator("visible=true")
    await expect(page.locator("#account-menu a").first).to_be_focused()
    await page.keyboard.press("End")
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(settings).to_be_focused()
    await page.keyboard.press("k")
    await expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#account-menu")).to_be_hidden()
    await expect(button).to_be_focused()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_a_menu_never_leaves_the_screen(visit: Visits, phone: bool) -> None:
    page = await visit(PAGE, phone=phone)
    await page.get_by_role("button", name="account of Alice").click()
    box = await page.locator("#account-menu").bounding_box()
    size = page.viewport_size
    assert box
    assert size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]


async def test_the_theme_is_kept_and_there_from_the_first_paint(visit: Visits) -> None:
    page = await visit(PAGE)
    await page.get_by_role("button", name="Switch between light and dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.get_by_role("radio", name="Dark", exact=True)).to_be_checked()
    again = await page.request.get(PAGE)
    assert 'data-theme="dark"' in (await again.text())[:200]
    await page.get_by_text("As the system").click()
    await expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


async def test_a_toast_offers_undo_by_pointer_and_key(visit: Visits) -> None:
    page = await visit(PAGE)
    undo = "{undo() { document.title = 'undone ' + document.title; }}"
    await toast(page, "Archived", undo)
    await page.get_by_role("button", name="Undo").click()
    assert (await page.title()).startswith("undone")
    await expect(page.locator(".toast")).to_have_count(0)
    await toast(page, "Archived", undo)
    await page.keyboard.press("z")
    assert (await page.title()).startswith("undone undone")


async def test_toasts_go_unless_looked_at_and_errors_stay(visit: Visits) -> None:
    page = await visit(PAGE, alone=True)
    await page.clock.install()
    for text in ("One", "Two"):
        await toast(page, text)
    await toast(page, "Broken", "{kind: 'error'}")
    await page.locator(".toast").filter(has_text="Two").hover()
    await page.clock.run_for(7000)
    assert await page.locator(".toast p").all_inner_texts() == ["Two", "Broken"]
    await page.mouse.move(0, 0)
    await page.clock.run_for(7000)
    assert await page.locator(".toast p").all_inner_texts() == ["Broken"]


async def test_at_most_three_toasts_are_shown(visit: Visits) -> None:
    page = await visit(PAGE)
    await toast(page, "Broken", "{kind: 'error'}")
    for number in range(4):
        await toast(page, f"Done {number}")
    assert await page.locator(".toast p").all_inner_texts() == ["Broken", "Done 2", "Done 3"]


async def test_toasts_are_announced(visit: Visits) -> None:
    page = await visit(PAGE)
    await toast(page, "Copied")
    await expect(page.locator("[data-say]")).to_have_text("Copied")
    await toast(page, "It went wrong", "{kind: 'error'}")
    await expect(page.locator("[data-say-now]")).to_have_text("It went wrong")


async def test_it_says_when_the_network_is_away(visit: Visits) -> None:
    page = await visit(PAGE)
    banner = page.locator("[data-offline]")
    await expect(banner).to_be_hidden()
    await page.context.set_offline(True)
    await expect(banner).to_contain_text("You are offline")
    await page.context.set_offline(False)
    await expect(banner).to_be_hidden()
    visit.errors.clear()  # requests failed while offline


async def test_answers_that_stream_are_counted(visit: Visits) -> None:
    page = await visit(PAGE, CHARLIE)
    live = page.locator("[data-running]")
    await expect(live).to_be_hidden()
    task = str(uuid4())
    message = {"role": "user", "content": f"Go on {task}"}
    body = {"task_id": task, "model": "openai/clock:1000:100", "messages": [message]}
    await call(page, "live.js", "ask", "task:submit", body)
    await expect(live).to_have_text(re.compile(r"1\s*streaming"))
    other = await visit(PAGE, CHARLIE)
    shown = other.get_by_role("link", name="1 streaming")
    await expect(shown).to_have_attribute("href", "/ai/runs?status=pending")
    listed = await visit("/ai/runs?status=pending", CHARLIE)
    await expect(listed.locator("[data-run-item]")).to_have_count(1)
    await call(page, "live.js", "ask", "task:cancel", {"task_id": task})
    await expect(live).to_be_hidden()
    await expect(shown).to_be_hidden()


async def test_a_session_that_has_ended_leads_to_sign_in(visit: Visits) -> None:
    page = await visit(PAGE, ALICE)
    await call(page, "live.js", "ask", "run:leave", {"run_id": str(uuid4())})
    await page.context.clear_cookies(name="airuns_session")
    await page.get_by_role("button", name="Save name").click()
    await expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fsettings"))
    visit.errors.clear()  # the 401 itself

"""The command palette: runs and prompts by name, commands, all by keyboard."""

import re
from collections.abc import Generator
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.people import ALICE, BOB
from tests.search.finding import settle
from tests.serving import Served

PAGE = "/settings"


@pytest.fixture
def word() -> str:
    """A word that only this test's runs and prompts have in their names."""
    return f"quokka{uuid4().hex[:8]}"


@pytest.fixture
def bob_has(server: Served, word: str) -> Generator[dict[str, str]]:
    """Bob's run and prompt with the word in their names; their ids."""
    with server.client(BOB) as bob:
        run = bob.post("/api/runs", json={"name": f"Feeding a {word} <b>well</b>"}).json()["id"]
        prompt = {
            "name": f"Tame the {word}",
            "messages": [{"role": "user", "content": "How does one tame a quokka?"}],
        }
        made = bob.post("/api/prompts", json=prompt).json()["id"]
        settle(bob)
        yield {"run": run, "prompt": made}
        bob.delete(f"/api/runs/{run}")
        bob.delete(f"/api/prompts/{made}")


async def opened(page: Page) -> Locator:
    """Open the palette by its key; return it."""
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search and commands")
    await expect(palette.get_by_role("combobox")).to_be_focused()
    return palette


async def chosen(palette: Locator) -> str:
    """Return the text of the option that the combobox says is active."""
    active = await palette.get_by_role("combobox").get_attribute("aria-activedescendant")
    option = palette.locator(f"#{active}")
    assert await option.get_attribute("aria-selected") == "true"
    return await option.inner_text()


async def test_a_run_is_found_by_words_of_its_name_and_opened(
    visit: Visits, word: str, bob_has: dict[str, str]
) -> None:
    page = await visit(PAGE, BOB)
    palette = await opened(page)
    await palette.get_by_role("combobox").press_sequentially(f"feeding {word[:10]}")
    option = palette.get_by_role("option", name=re.compile("^Feeding"))
    await expect(option).to_contain_text(f"Feeding a {word} <b>well</b>")
    await expect(option.locator("mark").last).to_have_text(word)
    await expect(option).to_have_attribute("aria-selected", "true")
    async with page.expect_request(lambda request: bob_has["run"] in request.url):
        await page.keyboard.press("Enter")


async def test_a_prompt_is_run(visit: Visits, word: str, bob_has: dict[str, str]) -> None:
    page = await visit(PAGE, BOB)
    palette = await opened(page)
    await palette.get_by_role("combobox").fill(f"tame the {word}")
    await expect(palette.get_by_role("option", name=f"Run Tame the {word}")).to_be_visible()
    await expect(palette.get_by_text("No run, message")).to_have_count(0)
    async with page.expect_request(
        lambda request: request.url.endswith(f"/ai/prompts/run/{bob_has['prompt']}")
    ):
        await page.keyboard.press("Enter")


async def test_enter_waits_for_what_was_typed(
    visit: Visits, word: str, bob_has: dict[str, str]
) -> None:
    page = await visit(PAGE, BOB)
    palette = await opened(page)
    await expect(palette.get_by_role("option").first).to_be_visible()
    async with page.expect_request(lambda request: bob_has["run"] in request.url):
        await palette.get_by_role("combobox").press_sequentially(f"feeding {word}")
        await page.keyboard.press("Enter")


async def test_others_things_are_not_found(
    visit: Visits, word: str, bob_has: dict[str, str]
) -> None:
    page = await visit(PAGE, ALICE)
    palette = await opened(page)
    await palette.get_by_role("combobox").fill(word)
    await expect(palette.get_by_text(f"No run, message or prompt matches “{word}”")).to_be_visible()
    await expect(palette.get_by_role("option")).to_have_count(2)
    assert "Show all runs that match" in await chosen(palette)
    await page.keyboard.press("ArrowDown")
    assert f"New chat from “{word}”" in await chosen(palette)
    async with page.expect_request(lambda request: request.url.endswith(f"/ai/chat?text={word}")):
        await page.keyboard.press("Enter")


async def test_control_enter_shows_all_matches(visit: Visits) -> None:
    page = await visit(PAGE)
    palette = await opened(page)
    await palette.get_by_role("combobox").fill("a & b")
    async with page.expect_request(lambda request: request.url.endswith("/ai/runs?q=a%20%26%20b")):
        await page.keyboard.press("Control+Enter")


async def test_a_command_is_run(visit: Visits) -> None:
    page = await visit(PAGE)
    palette = await opened(page)
    await palette.get_by_role("combobox").fill("light dark")
    await expect(palette.get_by_role("option", name="Light or dark")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(palette).to_be_hidden()


async def test_arrows_go_round_and_escape_leads_back(visit: Visits) -> None:
    page = await visit(PAGE)
    button = page.get_by_role("button", name=re.compile("Search or jump to")).first
    await button.focus()
    await page.keyboard.press("Enter")
    palette = page.get_by_role("dialog", name="Search and commands")
    await expect(palette.locator("[data-palette-found]")).not_to_have_attribute("aria-busy", "true")
    first = await chosen(palette)
    await page.keyboard.press("ArrowUp")
    last = await chosen(palette)
    assert first != last
    await page.keyboard.press("ArrowDown")
    assert await chosen(palette) == first
    await page.keyboard.press("Escape")
    await expect(palette).to_be_hidden()
    await expect(button).to_be_focused()


@views
@pytest.mark.usefixtures("bob_has")
async def test_nothing_keeps_people_out(visit: Visits, word: str, dark: bool, phone: bool) -> None:
    page = await visit(PAGE, BOB, dark=dark, phone=phone)
    await (
        page.get_by_role("button", name=re.compile("Search or jump to"))
        .locator("visible=true")
        .click()
    )
    palette = page.get_by_role("dialog", name="Search and commands")
    await expect(palette.get_by_role("option", name=re.compile("^Feeding"))).to_be_visible()
    assert await problems(page) == []
    await palette.get_by_role("combobox").fill(word)
    await expect(palette.get_by_role("option", name="Run Tame")).to_be_visible()
    assert await problems(page) == []
    box = await palette.bounding_box()
    assert box
    assert not phone or (box["x"], box["width"]) == (0, 360)


def test_the_fragment_is_only_for_who_signed_in(server: Served, bob: httpx.Client) -> None:
    with server.client() as nobody:
        assert nobody.get("/ai/palette", headers={"HX-Request": "true"}).status_code == 401
    assert bob.get("/ai/palette", params={"q": "a\0b"}).status_code == 422

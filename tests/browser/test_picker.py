"""The model picker, where a price of one's own is added."""

import re
from uuid import uuid4

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.people import ALICE, CHARLIE
from tests.serving import Served

HEARD = """
document.addEventListener("change", ({ target }) => {
  window.heard = { value: target.value, ...target.dataset };
});
"""


async def opened(visit: Visits, *arguments: object, **options: bool) -> Page:
    """Open the picker."""
    page = await visit("/settings/prices", *arguments, **options)
    await page.get_by_role("button", name="Add price").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Model").click()
    await expect(search(page)).to_be_focused()
    return page


def search(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search models")


def option(page: Page, name: str) -> Locator:
    return page.get_by_role("option", name=re.compile(rf"^{re.escape(name)}\s"))


@views
async def test_nothing_keeps_people_out(visit: Visits, dark: bool, phone: bool) -> None:
    page = await opened(visit, dark=dark, phone=phone)
    assert await problems(page) == []
    await search(page).fill("sonnet")
    await expect(page.get_by_text("GEMINI_API_KEY")).to_be_visible()
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_choice_tells_what_is_known_of_the_model(visit: Visits) -> None:
    page = await opened(visit)
    await page.evaluate(HEARD)
    await search(page).fill("openai gpt-4o-mini")
    chosen = option(page, "gpt-4o-mini")
    await expect(chosen).to_contain_text("$0.15")
    await expect(chosen).to_contain_text("128 k")
    await chosen.click()
    assert await page.evaluate("window.heard") == {
        "value": "openai/gpt-4o-mini",
        "inputPrice": "0.15",
        "outputPrice": "0.6",
        "contextSize": "128000",
    }
    button = page.get_by_role("button", name="Model")
    await expect(button).to_have_text(re.compile("gpt-4o-mini"))
    await expect(button).to_be_focused()
    await button.click()
    await expect(search(page)).to_have_value("")
    await page.keyboard.press("Escape")
    await expect(button).to_have_text(re.compile("gpt-4o-mini"))


async def test_the_keyboard_does_it_all(visit: Visits) -> None:
    page = await opened(visit)
    await search(page).fill("anthropic/claude-sonnet")
    first, second = page.get_by_role("option").nth(0), page.get_by_role("option").nth(1)
    await expect(page.get_by_role("option").filter(has_text="openai")).to_have_count(0)
    await expect(first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await expect(second).to_have_attribute("aria-selected", "true")
    active = await search(page).get_attribute("aria-activedescendant")
    assert await second.get_attribute("id") == active
    name = await second.get_attribute("data-name")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=f"Model: {name}")).to_be_visible()


async def test_a_model_that_no_list_has_is_used_as_it_was_typed(visit: Visits) -> None:
    page = await opened(visit)
    await page.evaluate(HEARD)
    name = f"ft:{uuid4().hex}/v2"
    await search(page).fill(f"openai/{name}")
    await page.get_by_role("option", name=f"Use openai/{name}").click()
    assert (await page.evaluate("window.heard"))["value"] == f"openai/{name}"
    assert (await page.evaluate("window.heard"))["inputPrice"] == ""


async def test_models_without_a_key_cannot_be_chosen_and_say_why(visit: Visits) -> None:
    page = await opened(visit)
    await search(page).fill("groq/")
    await expect(page.get_by_text("Set GROQ_API_KEY or add a key in Settings")).to_be_visible()
    await expect(page.get_by_role("option")).to_have_count(0)
    link = page.get_by_role("link", name="add a key in Settings")
    await expect(link).to_have_attribute("href", "/settings/providers#provider-groq")


async def test_nothing_found_says_what_to_do(visit: Visits) -> None:
    page = await opened(visit)
    await search(page).fill("nothing like it")
    await expect(page.get_by_text("No model matches “nothing like it”")).to_be_visible()


async def test_models_used_lately_stand_on_top(visit: Visits, server: Served) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=CHARLIE.headers) as charlie:
        for model in ("openai/text:2", "openai/gpt-4o"):
            body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
            await charlie.post("/api/prompt/run", json=body, timeout=30)
    page = await opened(visit, CHARLIE)
    recent = page.get_by_role("group", name="Used lately").get_by_role("option")
    await expect(recent.first).to_contain_text("gpt-4o")
    await expect(recent.nth(1)).to_contain_text("text:2")
    await expect(page.get_by_role("option", name=re.compile("text:2"))).to_have_count(1)


def test_the_list_is_short_whatever_is_known(server: Served) -> None:
    with httpx.Client(base_url=server.url, headers=ALICE.headers) as client:
        whole = client.get("/ai/models/picker", params={"q": ""}).text
        assert whole.count('role="option"') + whole.count("<li>") <= 60
        assert "more: type a part of a name" in whole
        assert "<dialog" not in whole
        assert "<dialog" in client.get("/ai/models/picker").text
        assert client.get("/ai/models/picker", params={"q": "x" * 201}).status_code == 422

"""Settings of providers, of prices, and of the gateway's aliases."""

import re
from collections.abc import Generator
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Run, Visits
from tests.people import BOB
from tests.provider import ScriptedProvider
from tests.serving import Served

KEY = "sk-never-shown"


@pytest.fixture
def bob(server: Served, run: Run) -> Generator[httpx.AsyncClient]:
    """Bob's client, whose prices, providers and aliases are gone afterwards."""
    client = httpx.AsyncClient(base_url=server.url, headers=BOB.headers, timeout=30)
    yield client
    run(clear(client))


async def clear(client: httpx.AsyncClient) -> None:
    for row in (await client.get("/api/model-providers")).json()["items"]:
        if row["source"] == "stored":
            await client.delete(f"/api/model-providers/{row['name']}")
    for row in (await client.get("/api/models")).json()["items"]:
        if row["price"] and row["price"]["source"] == "own":
            await client.delete(f"/api/models/{row['model']}/price")
    for alias in (await client.get("/api/model-aliases")).json()["items"]:
        await client.delete(f"/api/model-aliases/{alias['name']}")
    await client.aclose()


@pytest.fixture
def name() -> str:
    return f"p{uuid4().hex[:12]}"


async def accessible(page: Page) -> None:
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@views
async def test_nothing_keeps_people_out(
    visit: Visits, bob: httpx.AsyncClient, dark: bool, phone: bool
) -> None:
    await bob.put("/api/models/openai/gpt-4o/price", json={"input": "1", "output": "2"})
    await bob.put("/api/model-providers/mistral", json={"key": KEY})
    page = await visit("/settings/providers", BOB, dark=dark, phone=phone)
    await accessible(page)
    await page.get_by_role("button", name="Change mistral").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await accessible(page)
    await page.goto("/settings/prices")
    await accessible(page)
    await page.get_by_role("button", name="Add price").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await accessible(page)


async def test_a_provider_is_added_tried_changed_and_removed(
    visit: Visits, bob: httpx.AsyncClient, provider: ScriptedProvider, name: str
) -> None:
    page = await visit("/settings/providers", BOB)
    await page.get_by_role("button", name="Add…", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_label("Address").fill(f"{provider.url}/v1")
    await dialog.get_by_label("Key").fill(KEY)
    await dialog.get_by_role("button", name="Save provider").click()
    row = page.get_by_role("listitem").filter(has_text=name)
    await expect(row).to_contain_text("your key, stored encrypted")
    await expect(dialog).to_have_count(0)

    await row.get_by_role("button", name="Test key").click()
    await expect(row.get_by_role("status")).to_contain_text(re.compile(r"Works: \d+ models?, in"))
    assert provider.requests[-1].headers["Authorization"] == f"Bearer {KEY}"

    await row.get_by_role("button", name=f"Change {name}").click()
    await expect(dialog.get_by_label("Address")).to_have_value(f"{provider.url}/v1")
    await expect(dialog.get_by_label("Key")).to_have_value("")
    await dialog.get_by_label("Protocol").select_option("anthropic")
    await dialog.get_by_role("button", name="Save provider").click()
    await expect(row).to_contain_text("Anthropic protocol")
    assert (await bob.get(f"/api/model-providers/{name}")).json()["has_key"]
    assert KEY not in await page.content()

    await row.get_by_role("button", name=f"Remove {name}").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(row).to_have_count(0)
    assert (await bob.get(f"/api/model-providers/{name}")).status_code == 404


@pytest.mark.usefixtures("bob")
async def test_what_a_provider_cannot_be_is_said_beside_the_field(visit: Visits) -> None:
    page = await visit("/settings/providers", BOB)
    await page.get_by_role("button", name="Add…", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("My Server")
    await dialog.get_by_label("Address").fill("http://127.0.0.1:1")
    await dialog.get_by_role("button", name="Save provider").click()
    await expect(dialog.get_by_label("Name")).to_have_accessible_description(re.compile("^name "))
    await dialog.get_by_label("Name").fill("my-server")
    await dialog.get_by_label("Address").fill("http:///nowhere")
    await dialog.get_by_role("button", name="Save provider").click()
    await expect(dialog.get_by_label("Address")).to_have_accessible_description(
        re.compile("^base_url must be an address")
    )
    visit.errors.clear()  # the 422s


async def test_a_trial_says_the_providers_own_words_and_takes_a_model(
    visit: Visits, bob: httpx.AsyncClient, provider: ScriptedProvider, name: str
) -> None:
    await bob.put(
        f"/api/model-providers/{name}", json={"base_url": f"{provider.url}/none", "key": KEY}
    )
    page = await visit("/settings/providers", BOB)
    row = page.get_by_role("listitem").filter(has_text=name)
    await row.get_by_role("button", name="Test key").click()
    await expect(row.get_by_role("status")).to_contain_text("404")
    await bob.put(
        f"/api/model-providers/{name}", json={"base_url": f"{provider.url}/v1", "key": KEY}
    )
    await row.get_by_role("textbox").fill("fail:429")
    await row.get_by_role("button", name="Try").click()
    await expect(row.get_by_role("status")).to_contain_text("429: scripted failure")
    await row.get_by_role("textbox").fill("echo")
    await row.get_by_role("textbox").press("Enter")
    await expect(row.get_by_role("status")).to_contain_text("echo answers")
    await expect(row.get_by_text("scripted failure")).to_be_hidden()


@pytest.mark.usefixtures("bob")
async def test_the_page_says_where_keys_come_from(visit: Visits) -> None:
    page = await visit("/settings/providers", BOB)
    openai = page.locator("#provider-openai")
    await expect(openai).to_contain_text("from OPENAI_API_KEY of the server")
    await expect(openai.get_by_role("button", name="Remove openai")).to_have_count(0)
    await expect(page.locator("#provider-groq")).to_contain_text("or set GROQ_API_KEY")
    await openai.get_by_role("button", name="Use my key").click()
    await page.get_by_role("dialog").get_by_label("Key").fill(KEY)
    await page.get_by_role("button", name="Save provider").click()
    await expect(openai).to_contain_text("your key, stored encrypted; OPENAI_API_KEY is not used")


async def test_a_price_is_set_shown_beside_the_public_one_changed_and_removed(
    visit: Visits, bob: httpx.AsyncClient
) -> None:
    page = await visit("/settings/prices", BOB)
    await expect(page.get_by_text("No prices of your own")).to_be_visible()
    await page.get_by_role("button", name="Add price").first.click()
    dialog = page.get_by_role("dialog", name="Add a price")
    await dialog.get_by_label("Input", exact=True).fill("2.25")
    await dialog.get_by_label("Output").fill("9")
    await dialog.get_by_role("button", name="Save price").click()
    await expect(dialog.get_by_text("Choose the model that has this price")).to_be_visible()
    await dialog.get_by_role("button", name="Model").click()
    await page.get_by_role("combobox", name="Search models").fill("openai/gpt-4o")
    await page.get_by_role("option", name=re.compile(r"^gpt-4o\s*openai")).click()
    await expect(dialog.get_by_label("Input", exact=True)).to_have_attribute("placeholder", "2.5")
    await dialog.get_by_role("button", name="Save price").click()
    row = page.get_by_role("row").filter(has_text="openai/gpt-4o")
    await expect(row).to_contain_text("$2.25")
    await expect(page.get_by_role("row").filter(has_text="Public")).to_contain_text("$2.50")

    await row.get_by_role("button", name="Change").click()
    changed = page.get_by_role("dialog", name="Your price of")
    await expect(changed.get_by_label("Input", exact=True)).to_have_value("2.25")
    await changed.get_by_label("Input", exact=True).fill("2,5")
    await changed.get_by_role("button", name="Save price").click()
    await expect(changed.get_by_label("Input", exact=True)).to_have_attribute(
        "aria-invalid", "true"
    )
    await changed.get_by_label("Input", exact=True).fill("0.000001")
    await changed.get_by_role("button", name="Save price").click()
    await expect(row).to_contain_text("$0.000001")
    answer = await bob.get("/api/models", params={"provider": "openai"})
    assert (
        next(one for one in answer.json()["items"] if one["name"] == "gpt-4o")["price"]["input"]
        == "0.000001"
    )

    await row.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Remove price").click()
    await expect(page.get_by_text("No prices of your own")).to_be_visible()
    visit.errors.clear()  # the 422


async def test_an_alias_is_added_changed_and_deleted(
    visit: Visits, bob: httpx.AsyncClient, name: str
) -> None:
    page = await visit("/settings/gateway", BOB, permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name=re.compile("^Copy http.*v1$")).click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await page.locator("#openai-url").inner_text()
    await expect(page.get_by_text("No alias yet")).to_be_visible()
    await page.get_by_role("button", name="Add alias").first.click()
    dialog = page.get_by_role("dialog", name="Add an alias")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await page.keyboard.type(name)
    await dialog.get_by_role("button", name="Choose… for Model").press("Enter")
    await page.get_by_role("combobox", name="Search models").fill("openai/gpt-4o")
    await page.get_by_role("option", name=re.compile(r"^gpt-4o\s*openai")).click()
    await expect(dialog.get_by_label("Model")).to_have_value("openai/gpt-4o")
    await dialog.get_by_label("Fallbacks").fill("openai/echo, nobody")
    await accessible(page)
    await dialog.get_by_label("Fallbacks").press("Enter")
    await expect(dialog.get_by_label("Fallbacks")).to_have_accessible_description(
        "fallbacks[1] must be provider/name, not nobody."
    )
    await expect(dialog.get_by_label("Fallbacks")).to_be_focused()
    await dialog.get_by_label("Fallbacks").fill("openai/echo")
    await dialog.get_by_role("button", name="Choose… for Fallbacks").click()
    await page.get_by_role("combobox", name="Search models").fill("openai/gpt-4o")
    await page.get_by_role("option", name=re.compile(r"^gpt-4o\s*openai")).click()
    await page.keyboard.press("Enter")
    row = page.locator("#aliases li").filter(has_text=name)
    await expect(row).to_contain_text("openai/gpt-4o, then openai/echo, then openai/gpt-4o")

    await row.get_by_role("button", name=f"Change {name}").click()
    changed = page.get_by_role("dialog", name=f"Change {name}")
    await changed.get_by_label("Model").fill("openai/echo")
    await changed.get_by_label("Fallbacks").fill("")
    await page.keyboard.press("Enter")
    await expect(row).not_to_contain_text("then")
    found = (await bob.get("/api/model-aliases")).json()["items"]
    assert [(one["model"], one["fallbacks"]) for one in found if one["name"] == name] == [
        ("openai/echo", [])
    ]
    await accessible(page)

    await row.get_by_role("button", name=f"Delete {name}").click()
    await page.get_by_role("button", name="Delete alias").click()
    await expect(page.get_by_text("No alias yet")).to_be_visible()
    visit.errors.clear()  # the 422

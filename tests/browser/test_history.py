"""The run history of a prompt, in the table and on its own page."""

import asyncio
import re

import httpx
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import made, ran
from tests.provider import ScriptedProvider
from tests.provider.script import Gate, Script

CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


async def copied(page: Page) -> str:
    """Return what is in the clipboard."""
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text


async def test_every_execution_has_its_status_and_numbers(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"], "openai/text:7")
    ran(alice, prompt["id"], "openai/fail:400")
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    failed, done = (page.locator(".history-entry").nth(at).locator("summary") for at in (0, 1))
    await expect(failed.locator(".badge")).to_have_text("Error")
    await expect(failed.locator(".badge .icon")).to_be_visible()
    await expect(failed.locator(".excerpt")).to_have_text("scripted failure")
    await expect(done.locator(".badge")).to_have_text("Success")
    await expect(done.locator(".model-name")).to_have_text("text:7")
    await expect(done.locator(".excerpt")).to_have_text("Greet Ada")
    await expect(done.locator(".tokens")).to_have_text("10 → 7")
    await expect(done.locator(".amount").nth(1)).to_have_text(re.compile(r"^[\d,]+ ms$"))
    await expect(done.locator(".cost")).to_have_text("—")


async def test_an_entry_opens_to_the_whole_and_each_part_is_copied_at_once(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice, "One  {{name}}\n\n\tTwo <b>")
    ran(alice, prompt["id"])
    page = await visit(f"/ai/prompts/{prompt['id']}/history", **CLIPBOARD)
    await page.locator(".history-entry summary").click()
    whole = "One  Ada\n\n\tTwo <b>"
    for part in ("prompt", "response"):
        await page.get_by_role("button", name=f"Copy the {part}").click()
        await expect(page.locator(".toast", has_text="Copied").last).to_be_visible()
        assert await copied(page) == whole
    meta = page.locator(".exchange .meta")
    await expect(meta).to_contain_text("10 in → ")
    await expect(meta).to_contain_text("v1")
    run = page.get_by_role("link", name="Open run")
    assert f"/ai/prompts/run/{prompt['id']}/" in (await run.get_attribute("href") or "")


async def test_an_error_is_shown_in_full_and_copied(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"], "openai/fail:400")
    page = await visit(f"/ai/prompts/{prompt['id']}/history", **CLIPBOARD)
    await page.locator(".history-entry summary").click()
    await expect(page.get_by_role("heading", name="It failed")).to_be_visible()
    await expect(page.get_by_text("No answer came.")).to_be_visible()
    await page.get_by_role("button", name="Copy the error").click()
    await expect(page.locator(".toast", has_text="Copied")).to_be_visible()
    assert await copied(page) == "scripted failure"


async def test_fifty_a_page_and_more_on_demand(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    for _ in range(53):
        ran(alice, prompt["id"])
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    entries = page.locator(".history-entry")
    await expect(entries).to_have_count(50)
    await page.get_by_role("button", name="Load more").click()
    await expect(entries).to_have_count(53)
    await expect(page.get_by_role("button", name="Load more")).to_have_count(0)


async def test_only_one_status_is_shown(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    ran(alice, prompt["id"], "openai/fail:400")
    page = await visit(f"/ai/prompts?q={prompt['name']}")
    await page.get_by_role("button", name="Show run history of").click()
    await expect(page.locator(".history-entry")).to_have_count(2)
    await page.get_by_label("Status").select_option("error")
    await expect(page.locator(".history-entry")).to_have_count(1)
    await expect(page.locator(".history-entry .badge")).to_have_text("Error")
    await page.get_by_label("Status").select_option("timeout")
    await expect(page.get_by_text("No execution has this status.")).to_be_visible()
    await page.get_by_label("Status").select_option("")
    await expect(page.locator(".history-entry")).to_have_count(2)


async def test_an_answer_that_is_being_written_is_seen_and_seen_to_end(
    visit: Visits, alice: httpx.Client, provider: ScriptedProvider
) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    gate = Gate()
    model = f"gated-{prompt['id']}"
    provider.script(model, Script(pieces=("Hello", " you"), gate=gate))
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    first = page.locator(".history-entry").first
    await first.locator("summary").click()
    await expect(page.locator(".exchange")).to_have_count(1)
    running = asyncio.create_task(asyncio.to_thread(ran, alice, prompt["id"], f"openai/{model}"))
    await expect(page.locator(".history-entry")).to_have_count(2)
    newest = page.locator(".history-entry").first
    await expect(newest.locator(".badge")).to_have_text("Streaming")
    await expect(newest.locator(".tokens")).to_contain_text("…")
    await expect(page.locator(".exchange")).to_have_count(1)  # what was open stays open
    await newest.locator("summary").click()
    await expect(newest.get_by_text("The answer has not begun yet.")).to_be_visible()
    gate.open()
    await running
    await expect(newest.locator(".badge")).to_have_text("Success")
    await expect(newest.get_by_role("group", name="Response")).to_have_text("Hello you")
    await expect(newest.get_by_role("button", name="Replay")).to_be_visible()
    await expect(page.locator(".history-header .badge")).to_have_text("2 runs")


async def test_an_execution_is_replayed(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    await page.locator(".history-entry summary").click()
    await page.get_by_role("button", name="Replay").click()
    await expect(page.locator(".history-entry")).to_have_count(2)
    await expect(page.locator(".history-entry .badge")).to_have_text(["Success", "Success"])
    await expect(page.locator(".toast").get_by_role("button", name="Open run")).to_be_visible()


async def test_a_prompt_is_deleted_from_its_history(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    await page.get_by_role("button", name="More of").click()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="Prompts")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name=prompt["name"], exact=True)).to_be_visible()


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool
) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    ran(alice, prompt["id"], "openai/fail:400")
    page = await visit(f"/ai/prompts/{prompt['id']}/history", dark=dark, phone=phone)
    for entry in await page.locator(".history-entry summary").all():
        await entry.click()
    await expect(page.locator(".exchange")).to_have_count(2)
    assert await problems(page) == []

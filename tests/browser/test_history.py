"""The run history of a prompt, in the table and on its own page."""

import asyncio
import csv
import re
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import made, patched, ran
from tests.provider import ScriptedProvider
from tests.provider.script import Gate, Script
from tests.serving import wait_until

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
    await expect(page.get_by_text("No execution is like that.")).to_be_visible()
    await page.get_by_label("Status").select_option("")
    await expect(page.locator(".history-entry")).to_have_count(2)


async def test_filters_are_chips_and_addresses(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    ran(alice, prompt["id"], "openai/text:3")
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    entries = page.locator(".history-entry")
    await page.get_by_role("button", name="Filter").click()
    await page.get_by_label("Model").fill("echo")
    await page.get_by_role("textbox", name="From").fill("2026-01-01")
    await page.get_by_role("button", name="Apply").click()
    await expect(entries).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"\?model=echo&since=2026-01-01$"))
    await page.reload()
    await expect(entries).to_have_count(1)
    await page.get_by_role("link", name="Remove filter Model").click()
    await expect(entries).to_have_count(2)
    await expect(page.get_by_role("link", name="Remove filter From")).to_be_visible()
    await page.get_by_role("button", name="From 2026-01-01").click()
    await expect(page.get_by_role("textbox", name="From")).to_be_focused()


async def test_what_is_shown_is_downloaded(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice, "=1+1 {{name}}")
    ran(alice, prompt["id"])
    ran(alice, prompt["id"], "openai/text:3")
    page = await visit(f"/ai/prompts/{prompt['id']}/history?model=echo")
    async with page.expect_download() as arriving:
        await page.get_by_role("link", name="Download as CSV").click()
    download = await arriving.value
    assert download.suggested_filename == f"{prompt['name']}, history.csv"
    [row] = rows_of(await download.path())
    assert (row["model"], row["status"], row["prompt_text"]) == ("echo", "success", "'=1+1 Ada")


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a file of CSV."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


async def test_its_page_tells_what_each_version_was_used_for(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    ran(alice, prompt["id"])
    ran(alice, prompt["id"])
    patched(alice, prompt["id"], messages=[{"role": "user", "content": "Greet {{name}} again"}])
    ran(alice, prompt["id"], "openai/fail:400")
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    figures = page.get_by_role("group", name="last 30 days").locator(".figure")
    await expect(figures.nth(0)).to_have_text("3")
    await expect(figures.nth(5)).to_have_text("33.3 %")
    rows = page.get_by_role("region", name="Table by version").locator("tbody tr")
    await expect(rows.nth(0)).to_contain_text("100.0 %")
    await expect(rows.nth(1)).to_contain_text("Version 1")
    assert await problems(page) == []
    await rows.nth(0).get_by_role("link", name="Version 2").click()
    await expect(page).to_have_url(re.compile(r"version=2$"))
    await expect(page.locator(".history-entry")).to_have_count(1)


async def test_what_was_asked_and_answered_is_searched(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    for name in ("Grace", "Barbara", "Grace"):
        ran(alice, prompt["id"], variables={"name": name})
    path = f"/api/prompts/{prompt['id']}/history"
    found = await asyncio.to_thread(indexed, alice, path, "grace")
    assert len(found) == 2
    page = await visit(f"/ai/prompts/{prompt['id']}/history")
    await page.get_by_role("searchbox").press_sequentially("barbara")
    await expect(page.locator(".history-entry")).to_have_count(1)
    await expect(page.locator(".excerpt")).to_have_text("Greet Barbara")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await expect(page).to_have_url(re.compile(r"\?q=barbara$"))
    await page.get_by_role("searchbox").fill("nobody-at-all")
    await expect(page.get_by_text("No execution is like that.")).to_be_visible()


def indexed(client: httpx.Client, path: str, word: str) -> list[Any]:
    """Return what a history has of a word, once its newest execution can be found."""
    newest = client.get(path).json()["items"][0]["id"]

    def found() -> list[Any]:
        items = client.get(path, params={"q": word}).json()["items"]
        return items if newest in {item["id"] for item in items} else []

    wait_until(found, "the index")
    return found()


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

"""Runs are taken away: one, those that are selected, and all that a table lists."""

import csv
import io
import json
from uuid import uuid4

import pytest
from httpx import Client
from playwright.async_api import Page, Route, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.running import answer_of, answers, post, run
from tests.browser.taking import taken
from tests.serving import wait_until

FORMATS = {
    "Text": "txt",
    "Markdown": "md",
    "PDF": "pdf",
    "JSON archive": "json",
    "CSV of tasks": "csv",
    "Fine-tuning JSONL": "jsonl",
}


@pytest.fixture
def tag() -> str:
    """A tag that no other test has."""
    return f"tag-{uuid4().hex[:8]}"


def tagged(client: Client, tag: str, count: int) -> None:
    for number in range(count):
        client.post("/api/runs", json={"name": f"Run {number:03}", "tags": [tag]})


async def chosen(page: Page, format_: str) -> tuple[str, bytes]:
    """Choose a format in the dialog that is open, and return its file."""
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button").filter(has=page.get_by_text(format_, exact=True))
    file = await taken(page, button)
    await expect(dialog).to_have_count(0)
    return file


async def open_choice(page: Page) -> None:
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("button", name="Download…").click()
    await expect(page.get_by_role("dialog", name="Download")).to_be_visible()


async def test_a_run_comes_in_every_format(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "take this", "and that")
    page = await visit(f"/ai/chat/{run_id}")
    files: dict[str, tuple[str, bytes]] = {}
    for format_ in FORMATS:
        await open_choice(page)
        files[format_] = await chosen(page, format_)
    assert {name: file.rpartition(".")[2] for name, (file, _) in files.items()} == FORMATS
    for name in ("Text", "Markdown"):
        assert "take this" in files[name][1].decode()
    assert files["PDF"][1].startswith(b"%PDF-")
    records = json.loads(files["JSON archive"][1])["records"]
    assert next(each["content"] for each in records if each["type"] == "message") == "take this"
    [_, *rows] = csv.reader(io.StringIO(files["CSV of tasks"][1].decode("utf-8-sig")))
    assert len(rows) == 2
    [line] = files["Fine-tuning JSONL"][1].splitlines()
    assert [each["role"] for each in json.loads(line)["messages"]] == ["user", "assistant"] * 2


async def test_a_run_is_copied_as_the_server_exports_it(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "copy this")
    page = await visit(f"/ai/chat/{run_id}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, format_ in (("Markdown", "markdown"), ("text", "text")):
        await page.get_by_role("button", name="More", exact=True).click()
        await page.get_by_role("button", name=f"Copy as {name}").click()
        await expect(page.locator(".toast").last).to_contain_text("Copied")
        await page.get_by_role("button", name="Dismiss").last.click()
        exported = answer_of(alice, f"/api/runs/{run_id}/export?format={format_}").text
        assert await page.evaluate("navigator.clipboard.readText()") == exported


async def test_branches_come_when_they_are_asked_for(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "first thought")
    page = await visit(f"/ai/chat/{run_id}")
    await open_choice(page)
    await expect(page.get_by_role("radio")).to_have_count(0)
    await page.keyboard.press("Escape")
    body = {"role": "user", "content": "second thought", "parent_id": None}
    post(alice, f"/api/runs/{run_id}/messages", body)
    await open_choice(page)
    _, line = await chosen(page, "Text")
    await open_choice(page)
    await page.get_by_text("All branches").click()
    _, tree = await chosen(page, "Text")
    for said, more in ((b"second thought", 0), (b"first thought", 2)):
        assert tree.count(said) == line.count(said) + more


async def test_what_fails_says_why_and_what_takes_time_says_so(
    visit: Visits, alice: Client
) -> None:
    page = await visit(f"/ai/chat/{run(alice, 'too much')}")
    waiting: list[Route] = []
    await page.route("**/export?*", lambda route: waiting.append(route))
    await open_choice(page)
    button = page.get_by_role("button", name="PDF")
    await button.click()
    await expect(button).to_have_attribute("aria-busy", "true")
    await expect(button.get_by_text("Being made…")).to_be_visible()
    body = {"detail": "The PDF took too long.", "status": 503, "code": "unavailable"}
    await waiting[0].fulfill(status=503, json=body)
    await expect(page.get_by_role("alert").last).to_contain_text("The PDF took too long.")
    await expect(button).not_to_have_attribute("aria-busy", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    visit.errors.clear()  # it was refused


async def test_a_run_of_a_list_by_its_menu_and_by_its_key(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "listed")
    page = await visit("/ai/runs")
    row = page.locator(f"#run-{run_id}")
    await row.hover()
    await row.get_by_role("button", name="More for").click()
    await page.get_by_role("menuitem", name="Download").click()
    name, _ = await chosen(page, "Markdown")
    assert name == "listed.md"
    await row.locator("[data-run-name]").focus()
    await page.keyboard.press("d")
    await expect(page.get_by_role("button", name="PDF")).to_be_focused()
    await page.keyboard.press("Tab")
    async with page.expect_download() as download:
        await page.keyboard.press("Enter")
    assert (await download.value).suggested_filename == "listed.md"


async def test_a_selection_and_what_a_filter_matches(
    visit: Visits, alice: Client, tag: str
) -> None:
    tagged(alice, tag, 3)
    page = await visit(f"/ai/runs?tag={tag}")
    for number in (0, 1):
        await page.get_by_label("Select Run").nth(number).check()
    await page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    await expect(page.get_by_role("dialog", name="Download 2 runs")).to_be_visible()
    _, table = await chosen(page, "CSV of runs")
    assert len(list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))) == 1 + 2
    await page.get_by_role("button", name="Download…").click()
    await expect(page.get_by_role("dialog", name="Download 3 runs")).to_be_visible()
    _, archive = await chosen(page, "JSON archive")
    assert json.loads(archive)["runs"] == 3


async def test_more_than_a_search_takes_at_once_is_said(visit: Visits, alice: Client) -> None:
    word = f"owl{uuid4().hex[:10]}"
    run_id = run(alice, word)
    sums = '<div><dt>runs</dt><dd data-total-runs="1000" data-capped>1,000+</dd></div>'

    async def capped(route: Route) -> None:
        if "matching" in route.request.url:
            await route.fulfill(json={"run_ids": [run_id], "is_capped": True})
        else:
            await route.fulfill(body=sums, content_type="text/html")

    wait_until(lambda: run_id in alice.get("/ai/runs", params={"q": word}).text)
    page = await visit("/ai/runs")
    await page.route("**/ai/runs/matching?*", capped)
    await page.route("**/ai/runs/totals?*", capped)
    await page.goto(f"/ai/runs?q={word}")
    await page.get_by_label("Select all on this page").check()
    await page.get_by_role("button", name="Select all that are found").click()
    await expect(page.locator("[data-bulk-count]")).to_have_text(
        "1 selected, the newest that are found"
    )
    await page.get_by_role("button", name="Tag", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("Tag the newest 1 run")
    await page.keyboard.press("Escape")
    for button in ("[data-bulk-do=download]", "[data-download-all]"):
        await page.locator(button).click()
        dialog = page.get_by_role("dialog", name="Download")
        await expect(dialog).to_contain_text("The newest 1 of what is found")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


async def test_many_are_made_in_the_background_while_one_goes_on(
    visit: Visits, alice: Client, tag: str
) -> None:
    tagged(alice, tag, 2)
    page = await visit(f"/ai/runs?tag={tag}")
    await page.route("**/api/runs/totals?*tag=*", lambda route: route.fulfill(json={"runs": 501}))
    await page.get_by_role("button", name="Download…").click()
    dialog = page.get_by_role("dialog", name="Download 501 runs")
    await expect(dialog).to_contain_text("made in the background")
    await dialog.get_by_role("button", name="CSV of runs").click()
    await expect(dialog).to_have_count(0)
    await page.goto("/ai/prompts")
    ready = page.locator(".toast", has_text="Your export is ready")
    name, table = await taken(page, ready.get_by_role("button", name="Download"))
    assert name.endswith(".csv")
    assert len(list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))) == 1 + 2


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: Client, dark: bool, phone: bool
) -> None:
    run_id = run(alice, "for everybody")
    page = await visit(f"/ai/chat/{run_id}", dark=dark, phone=phone)
    await expect(answers(page)).to_have_count(1)
    await open_choice(page)
    assert await problems(page) == []
    await page.goto("/ai/runs")
    await page.get_by_role("button", name="Download…").click()
    await expect(page.get_by_role("radio", name="Current line")).to_be_attached()
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

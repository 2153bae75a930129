"""The dashboard: what one prompt of the test's own has used, so that others' runs do not count."""

import csv
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import made, ran
from tests.people import BOB

PRICE = {"input": "100000", "output": "0"}


@pytest.fixture
def used(alice: httpx.Client) -> dict[str, Any]:
    """A prompt with two answers, of two models, of ten tokens at ten cents each, and a failure."""
    prompt = made(alice)
    for model in ("text:1", "text:2"):
        alice.put(f"/api/models/openai/{model}/price", json=PRICE)
        ran(alice, prompt["id"], f"openai/{model}")
    ran(alice, prompt["id"], "openai/fail:400")
    return prompt


def stat(page: Page, name: str) -> Locator:
    """Return a figure of the head."""
    return page.locator(".stat").filter(has=page.get_by_role("heading", name=name))


def panel(page: Page, name: str) -> Locator:
    """Return a panel by its heading."""
    return page.get_by_role("region", name=name, exact=True).first


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a file of CSV."""
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


async def test_the_figures_are_those_of_the_tasks(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}")
    await expect(stat(page, "Cost").locator(".figure")).to_have_text("$2.00")
    await expect(stat(page, "Runs").locator(".figure")).to_have_text("3")
    await expect(stat(page, "Runs")).to_contain_text("3 tasks")
    await expect(stat(page, "Errors").locator(".figure")).to_have_text("33.3%")
    by = panel(page, "By model").get_by_role("row")
    await expect(by.filter(has_text="openai/text:1")).to_contain_text("$1.00")
    await expect(by.filter(has_text="openai/text:1")).to_contain_text("50 %")
    await expect(panel(page, "Most expensive runs").get_by_role("link")).to_have_count(2)
    prompts = panel(page, "Most expensive prompts").get_by_role("row")
    await expect(prompts.filter(has_text=used["name"])).to_contain_text("$2.00")


async def test_numbers_lead_to_the_runs_behind_them(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}")
    await panel(page, "By model").get_by_role("link", name="openai/text:2").click()
    await expect(page.locator("tr.row")).to_have_count(1)
    await expect(page.locator("tr.row .model")).to_have_text("text:2")
    await page.go_back()
    await stat(page, "Errors").get_by_role("link").click()
    await expect(page.locator("tr.row")).to_have_count(1)
    await expect(page.locator("tr.row .badge")).to_have_text("Error")


async def test_a_chart_is_read_with_keys_and_has_a_table_behind_it(
    visit: Visits, used: dict[str, Any]
) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}&period=7d")
    chart = page.locator("figure.chart").first
    await expect(chart.locator("canvas")).to_be_visible()
    plot = chart.get_by_role("application", name="Cost per day by model")
    await plot.focus()
    await page.keyboard.press("End")
    readout = chart.locator("[data-readout]")
    await expect(readout).to_contain_text("Total$2.00")
    await expect(readout).to_contain_text("openai/text:1$1.00")
    await expect(page.locator("[data-say]")).to_contain_text("Total $2.00")
    await page.keyboard.press("ArrowLeft")
    await expect(readout).to_contain_text("Total$0.00")
    await page.keyboard.press("Escape")
    await expect(readout).to_be_hidden()
    await chart.locator("summary").click()
    last = chart.get_by_role("row").last
    await expect(last.get_by_role("cell").last).to_have_text("$2.00")
    await expect(chart.get_by_role("row")).to_have_count(8)
    await plot.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(rf"/ai/prompts/{used['id']}/runs\?since="))
    await expect(page.locator("tr.row")).to_have_count(3)


async def test_drawing_over_days_chooses_them(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}&period=7d")
    box = await page.locator("figure.chart .u-over").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * 0.9, y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.99, y, steps=4)
    await page.mouse.up()
    await expect(page).to_have_url(re.compile(r"since=(\d{4}-\d\d-\d\d)&until=\1"))
    await expect(stat(page, "Cost").locator(".figure")).to_have_text("$2.00")


async def test_filters_and_groups_are_in_the_address(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}")
    await expect(page.locator(".chip-value")).to_have_text(used["name"])
    await page.get_by_role("button", name="Filter", exact=True).click()
    await page.get_by_label("Model", exact=True).select_option("text:1")
    await page.get_by_role("button", name="Apply").click()
    await expect(stat(page, "Cost").locator(".figure")).to_have_text("$1.00")
    await expect(page).to_have_url(re.compile("model=text%3A1"))
    await page.get_by_role("link", name="Remove filter Model").click()
    await expect(stat(page, "Cost").locator(".figure")).to_have_text("$2.00")
    await page.get_by_label("Group by").select_option("source")
    await expect(panel(page, "By source").get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name="Tasks", exact=True).click()
    await expect(page.get_by_role("heading", name="Tasks per day by source")).to_be_visible()
    await page.get_by_role("link", name="This month").click()
    await expect(page).to_have_url(re.compile(r"period=month&by=source&show=tasks"))


async def test_every_table_is_downloaded(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}")
    await page.get_by_role("button", name="Download").click()
    links = page.get_by_role("menuitem", name="CSV of By model")
    async with page.expect_download() as arriving:
        await links.click()
    download = await arriving.value
    assert download.suggested_filename == "by_model.csv"
    rows = rows_of(await download.path())
    assert {row["name"]: row["cost"] for row in rows}["openai/text:1"].rstrip("0") == "1."


async def test_what_cannot_be_is_said(visit: Visits) -> None:
    page = await visit("/ai/analytics?since=2026-02-01&until=2026-01-01")
    await expect(page.locator("body")).to_contain_text("The period ends before it begins.")
    visit.errors.clear()


async def test_nothing_used_is_no_row_of_zeros(visit: Visits) -> None:
    page = await visit("/ai/analytics?since=1990-01-01&until=1990-01-31")
    await expect(
        page.get_by_role("heading", name="Nothing was used 1 Jan to 31 Jan 1990")
    ).to_be_visible()


async def test_anothers_usage_does_not_exist(visit: Visits, used: dict[str, Any]) -> None:
    page = await visit(f"/ai/analytics?prompt={used['id']}", BOB)
    await expect(page.get_by_role("heading", name="Nothing was used")).to_be_visible()
    await expect(page.locator("body")).not_to_contain_text(used["name"])


@views
async def test_nothing_keeps_people_out(
    visit: Visits, used: dict[str, Any], dark: bool, phone: bool
) -> None:
    path = f"/ai/analytics?prompt={used['id']}&until={datetime.now(UTC):%Y-%m-%d}"
    page = await visit(path, dark=dark, phone=phone)
    await page.locator("figure.chart summary").first.click()
    await expect(page.locator("figure.chart canvas").first).to_be_visible()
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Settings of an account: name, password, theme, sessions, keys, users."""

import re
from itertools import count

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.people import ALICE, BOB, CHARLIE
from tests.serving import Served

NUMBERS = count(1)
PATHS = ["/settings", "/settings/keys", "/settings/users"]


async def confirm(page: Page, verb: str) -> None:
    """Answer the question that is open with its verb."""
    await page.get_by_role("dialog").get_by_role("button", name=verb).click()


@pytest.mark.parametrize("path", PATHS)
@views
async def test_nothing_keeps_people_out(visit: Visits, path: str, dark: bool, phone: bool) -> None:
    page = await visit(path, dark=dark, phone=phone)
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_name_is_saved_and_shown(visit: Visits) -> None:
    page = await visit("/settings", CHARLIE)
    name = page.get_by_label("Name", exact=True)
    await name.fill("x" * 100)
    await name.press("Enter")
    await expect(page.get_by_text("Name saved").locator("visible=true").first).to_be_visible()
    await name.fill("Charlie")
    await page.get_by_role("button", name="Save name").click()
    await expect(page.locator(".toast")).to_have_count(2)
    await page.reload()
    await expect(name).to_have_value("Charlie")


async def test_a_password_that_does_not_fit_is_said_beside_its_field(visit: Visits) -> None:
    page = await visit("/settings", BOB)
    field = page.get_by_label("New password")
    await field.fill("short")
    await page.get_by_role("button", name="Set password").click()
    await expect(field).to_have_accessible_description(re.compile("must have 10 to 1000"))
    await expect(field).to_be_focused()
    assert await problems(page) == []
    await field.press("x")
    await expect(page.locator(".problem")).to_have_count(0)
    visit.errors.clear()  # the 422


async def test_other_browsers_are_signed_out(visit: Visits) -> None:
    there = await visit("/settings", BOB)
    page = await visit("/settings", BOB)
    rows = page.locator("#sessions li")
    before = await rows.count()
    assert before >= 2
    await page.get_by_role("button", name=re.compile("^Sign out Chromium")).first.click()
    await expect(rows).to_have_count(before - 1)
    await page.get_by_role("button", name="Sign out everywhere else").click()
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    await confirm(page, "Sign out")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("This browser")
    await there.reload()
    await expect(there).to_have_url(re.compile("/sign-in"))


async def test_a_key_is_shown_once_works_and_is_revoked(visit: Visits, server: Served) -> None:
    name = f"nightly {next(NUMBERS)}"
    page = await visit("/settings/keys", BOB, permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_label("Name", exact=True).fill(name)
    await page.keyboard.press("Enter")
    await expect(page.locator("#new-key")).to_be_focused()
    await page.get_by_role("button", name="Copy key").click()
    key = await page.evaluate("navigator.clipboard.readText()")
    assert key.startswith("air_")
    assert key == await page.locator("[data-answer=key]").inner_text()
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as program:
        assert (await program.get("/api/me")).json()["username"] == "bob"
        await page.reload()
        assert key not in await page.content()
        row = page.locator("#keys li").filter(has_text=name)
        await row.get_by_label(f"Requests a minute of {name}").fill("60")
        await row.get_by_role("button", name="Save the limit").click()
        await expect(page.get_by_text("Limit saved").first).to_be_visible()
        found = (await program.get("/api/keys")).json()["items"]
        assert [each["requests_per_minute"] for each in found if each["name"] == name] == [60]
        await row.get_by_role("button", name="Revoke").click()
        await confirm(page, "Revoke key")
        await expect(row).to_contain_text("Revoked")
        assert (await program.get("/api/me")).status_code == 401


async def test_somebody_is_invited_let_out_and_in_again(visit: Visits) -> None:
    username = f"invited{next(NUMBERS)}"
    page = await visit("/settings/users", ALICE)
    await page.get_by_label("User name").fill(username)
    await page.get_by_role("button", name="Make link").click()
    link = page.locator("[data-answer=sign_in_link]")
    await expect(link).to_contain_text("/sign-in/")
    guest = await visit(re.sub(r"^https?://[^/]+", "", await link.inner_text()), None)
    await guest.get_by_role("button", name="Sign in").click()
    await expect(guest).to_have_url(re.compile("/welcome$"))
    row = page.locator("#users li").filter(has_text=username)
    await row.get_by_role("button", name="Deactivate").click()
    await confirm(page, "Deactivate")
    await expect(row).to_contain_text("Deactivated")
    await guest.goto("/settings")
    await expect(guest).to_have_url(re.compile("/sign-in"))
    await row.get_by_role("button", name="in again").click()
    await expect(row.get_by_role("button", name="Deactivate")).to_be_visible()


async def test_a_name_that_is_taken_is_said_beside_its_field(visit: Visits) -> None:
    page = await visit("/settings/users", ALICE)
    field = page.get_by_label("User name")
    await field.fill("bob")
    await page.keyboard.press("Enter")
    await expect(field).to_have_accessible_description("There is a user bob already.")
    visit.errors.clear()  # the 409


async def test_the_pages_of_settings_are_reached_by_keyboard(visit: Visits) -> None:
    page = await visit("/settings", BOB)
    links = page.get_by_role("navigation", name="Settings", exact=True).get_by_role("link")
    assert "Users" not in await links.all_inner_texts()
    await links.filter(has_text="API keys").focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/settings/keys$"))
    await expect(links.filter(has_text="API keys")).to_have_attribute("aria-current", "page")

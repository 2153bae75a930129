"""Signing in, and the page after a one-time link, with and without scripts."""

import re
from itertools import count
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, expect

from tests.accounts.browsing import PASSWORD
from tests.browser.axe import problems, views
from tests.browser.conftest import Visits

NUMBERS = count(1)


def new_user(alice: httpx.Client, password: str | None = PASSWORD) -> tuple[str, str]:
    """Make a user; return the user name, and the path of their link if there is no password."""
    name = f"visitor{next(NUMBERS)}"
    made = alice.post("/api/users", json={"username": name, "password": password}).json()
    return name, urlsplit(made["sign_in_link"] or "").path


async def sign_in(page: Page, name: str, password: str) -> None:
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool
) -> None:
    _, link = new_user(alice, None)
    page = await visit("/sign-in", None, dark=dark, phone=phone)
    assert await problems(page) == []
    await sign_in(page, "alice", "wrong password")
    await expect(page.locator(".problem")).to_be_visible()
    assert await problems(page) == []
    for path in (link, "/sign-in/used", "/docs", "/sign-in/x/y"):
        await page.goto(path)
        assert await problems(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile("/welcome$"))
    assert await problems(page) == []
    visit.errors.clear()  # what was refused on purpose


async def test_a_wrong_password_is_said_beside_it(visit: Visits, alice: httpx.Client) -> None:
    name, _ = new_user(alice)
    page = await visit("/sign-in?next=/settings/keys", None)
    await expect(page.get_by_label("User name")).to_be_focused()
    await sign_in(page, name, "wrong password")
    password = page.get_by_label("Password")
    await expect(password).to_have_accessible_description(
        "The user name or the password is not right."
    )
    await expect(password).to_be_focused()
    await expect(page.get_by_label("User name")).to_have_value(name)
    await sign_in(page, name, PASSWORD)
    await expect(page).to_have_url(re.compile("/settings/keys$"))
    visit.errors.clear()  # the 401


async def test_the_time_zone_is_told_before_the_first_page(visit: Visits) -> None:
    page = await visit("/sign-in", None, timezone_id="Asia/Tokyo")
    cookies = {each.get("name"): each.get("value") for each in await page.context.cookies()}
    assert cookies["airuns_zone"] == "Asia/Tokyo"


async def test_it_works_without_scripts(visit: Visits, alice: httpx.Client) -> None:
    _, link = new_user(alice, None)
    page = await visit(link, None, java_script_enabled=False)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Your name").fill("Ines Moreau")
    await page.get_by_label("Password").fill("short")
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_text("password must have 10 to 1000 characters.")).to_be_visible()
    await expect(page.get_by_label("Your name")).to_have_value("Ines Moreau")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Save and go on").click()
    await page.wait_for_url(re.compile("/ai/runs$"))
    await page.goto("/settings")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Ines Moreau")
    visit.errors.clear()  # the 422


async def test_the_set_up_can_be_left_for_later(visit: Visits, alice: httpx.Client) -> None:
    _, link = new_user(alice, None)
    page = await visit(link, None)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="Later").click()
    await page.wait_for_url(re.compile("/ai/runs$"))

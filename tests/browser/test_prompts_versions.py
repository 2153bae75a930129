"""The versions of a prompt: listed, read, compared, restored."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.prompted import got, made, patched


def with_versions(client: httpx.Client) -> str:
    """Make a prompt of three versions; return its id."""
    prompt_id: str = made(client, "Be kind to {{name}}.\nSecond line.")["id"]
    said = [{"role": "user", "content": "Be fair to {{name}}.\nSecond line."}]
    patched(client, prompt_id, messages=said)
    patched(client, prompt_id, settings={"model": "openai/echo", "temperature": 0.5})
    return prompt_id


async def test_versions_are_listed_and_each_is_shown(visit: Visits, alice: httpx.Client) -> None:
    prompt_id = with_versions(alice)
    page = await visit(f"/ai/prompts/{prompt_id}/edit")
    versions = page.get_by_role("complementary", name="Versions")
    await expect(versions.locator("strong")).to_have_text(["v3", "v2", "v1"])
    await versions.get_by_role("link", name="v1").click()
    await expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    await expect(page.get_by_text("Be kind to {{name}}.")).to_be_visible()
    await expect(page.locator(".version-item[aria-current]")).to_contain_text("v1")


async def test_two_versions_are_compared_by_line_and_word(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt_id = with_versions(alice)
    page = await visit(f"/ai/prompts/{prompt_id}/versions/2?against=1")
    diff = page.locator(".diff")
    await expect(diff.locator("del")).to_have_text("kind")
    await expect(diff.locator("ins")).to_have_text("fair")
    await expect(diff.locator(".same")).to_contain_text("Second line.")
    await page.get_by_label("Show").select_option("what differs from v3, the current one")
    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    await expect(page.get_by_text("temperature: 0.5")).to_be_visible()
    await expect(page).to_have_url(re.compile("against=3"))
    await page.reload()
    await expect(page.get_by_text("temperature: 0.5")).to_be_visible()


async def test_an_old_version_is_restored_as_a_new_one(visit: Visits, alice: httpx.Client) -> None:
    prompt_id = with_versions(alice)
    page = await visit(f"/ai/prompts/{prompt_id}/versions/1")
    await page.get_by_role("button", name="Restore as v4").click()
    await expect(page).to_have_url(re.compile(f"/ai/prompts/{prompt_id}/edit"))
    prompt = got(alice, prompt_id)
    assert prompt["version"] == 4
    assert prompt["messages"][0]["content"] == "Be kind to {{name}}.\nSecond line."
    assert prompt["settings"] == {"model": "openai/echo"}


async def test_more_than_a_page_of_versions_is_loaded_on_demand(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt_id = made(alice)["id"]
    for number in range(52):
        patched(alice, prompt_id, settings={"seed": number})
    page = await visit(f"/ai/prompts/{prompt_id}/edit")
    await expect(page.locator(".version-item")).to_have_count(50)
    await page.get_by_role("button", name="Load more").click()
    await expect(page.locator(".version-item")).to_have_count(53)


async def test_versions_are_in_a_drawer_where_it_is_narrow(
    visit: Visits, alice: httpx.Client
) -> None:
    page = await visit(f"/ai/prompts/{with_versions(alice)}/edit", phone=True)
    drawer = page.get_by_role("complementary", name="Versions")
    await expect(drawer).to_be_hidden()
    await page.get_by_role("button", name="Versions").click()
    await expect(drawer).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()


@views
@pytest.mark.parametrize("against", ["", "?against=1"], ids=["text", "difference"])
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool, against: str
) -> None:
    path = f"/ai/prompts/{with_versions(alice)}/versions/3{against}"
    page = await visit(path, dark=dark, phone=phone)
    assert await problems(page) == []
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")

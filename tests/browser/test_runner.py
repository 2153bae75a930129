"""A new run of a prompt, and a run that goes on: what one fills in, sends, and sees."""

from typing import Any

from httpx import Client
from playwright.async_api import Page, expect

from tests.browser.axe import problems
from tests.browser.conftest import Visit


def prompt(client: Client, **body: Any) -> str:
    """Make a prompt; return its id."""
    body.setdefault("settings", {"model": "openai/echo"})
    answer = client.post("/api/prompts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def investigator(client: Client) -> str:
    return prompt(
        client,
        name="Incident investigator",
        description="Reads a log and says what broke.",
        messages=[
            {"role": "system", "content": "The service is {{service}} in {{region}}."},
        ],
        variables=[
            {"name": "service", "description": "As the dashboard names it"},
            {"name": "region", "default": "eu-west-1"},
        ],
    )


async def write(page: Page, text: str) -> None:
    """Write a message and send it."""
    await page.locator("[data-message-text]").fill(text)
    await page.locator("[data-message-text]").press("Enter")


async def test_a_prompt_becomes_a_run_with_its_first_message(visit: Visit, alice: Client) -> None:
    prompt_id = investigator(alice)
    page = await visit(f"/ai/prompts/run/{prompt_id}")
    await expect(page.locator("h1")).to_have_text("Incident investigator")
    await expect(page.locator(".template")).to_contain_text("The service is service in eu-west-1.")
    await page.screenshot(path="/tmp/lab/rs/new.png")
    await page.get_by_label("service").fill("checkout")
    await expect(page.locator(".template")).to_contain_text("The service is checkout in eu-west-1.")
    await write(page, "Why is it slow?")
    await expect(page.locator(".message.user .bubble")).to_have_text("Why is it slow?")
    await expect(page.locator(".message.assistant .prose")).to_have_text("Why is it slow?")
    await expect(page.locator(".meta")).to_contain_text("total")
    await expect(page.get_by_label("service")).to_have_count(0)
    assert f"/ai/prompts/run/{prompt_id}/" in page.url
    await expect(page).to_have_title("Why is it slow? · AI Runs")
    await expect(page.get_by_label("Name of the run")).to_have_value("Why is it slow?")
    await page.screenshot(path="/tmp/lab/rs/run.png")
    assert await problems(page) == []

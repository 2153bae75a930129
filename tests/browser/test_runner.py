"""A new run of a prompt, and a run that goes on: what one fills in, sends, and sees."""

import re

from httpx import Client
from playwright.async_api import expect

from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.running import (
    answers,
    composer,
    messages,
    post,
    prompt,
    run,
    run_in,
    scripted,
    text_is,
    write,
)
from tests.provider import ScriptedProvider


def investigator(client: Client) -> str:
    return prompt(
        client,
        name="Incident investigator",
        description="Reads a log and says what broke.",
        messages=[{"role": "system", "content": "The service is {{service}} in {{region}}."}],
        variables=[
            {"name": "service", "description": "As the dashboard names it"},
            {"name": "region", "default": "eu-west-1"},
        ],
    )


async def test_a_prompt_becomes_a_run_with_its_first_message(visit: Visits, alice: Client) -> None:
    prompt_id = investigator(alice)
    page = await visit(f"/ai/prompts/run/{prompt_id}")
    await expect(page.locator("h1")).to_have_text("Incident investigator")
    await expect(page.get_by_text("Reads a log and says what broke.")).to_be_visible()
    await expect(page.locator(".template")).to_contain_text("The service is service in eu-west-1.")
    await page.get_by_label("service").fill("checkout")
    await expect(page.locator(".template")).to_contain_text("The service is checkout in eu-west-1.")
    await write(page, "Why is it slow?")
    await expect(page.locator(".message.user .bubble")).to_have_text("Why is it slow?")
    await expect(answers(page)).to_have_text("Why is it slow?")
    await expect(page.locator(".meta")).to_have_text(
        re.compile(r"^\s*echo.*10 in → 4 out.*—.*first token .* s.*total .* s", re.DOTALL)
    )
    await expect(page.get_by_label("service")).to_have_count(0)
    assert f"/ai/prompts/run/{prompt_id}/" in page.url
    await expect(page).to_have_title("Why is it slow? · AI Runs")
    await expect(page.get_by_label("Name of the run")).to_have_value("Why is it slow?")
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    [system, *_] = messages(alice, run_in(page))
    assert system["content"] == "The service is checkout in eu-west-1."


async def test_both_addresses_of_a_run_lead_to_it(visit: Visits, alice: Client) -> None:
    prompt_id = investigator(alice)
    body = {"prompt_id": prompt_id, "variables": {"service": "x"}}
    body |= {"messages": [{"role": "user", "content": "And now?"}]}
    run_id = post(alice, "/api/prompt/run", body)["run_id"]
    for path in (
        f"/ai/prompts/run/{prompt_id}?runId={run_id}",
        f"/ai/prompts/run/{prompt_id}/{run_id}",
        f"/ai/runs/{run_id}",
        f"/ai/chat/{run_id}",
    ):
        page = await visit(path)
        await expect(answers(page)).to_have_text("And now?")
        assert page.url.endswith(f"/ai/prompts/run/{prompt_id}/{run_id}")
        await expect(page.locator("[data-inspector]")).to_contain_text("eu-west-1")


async def test_a_missing_value_is_asked_for_beside_its_field(visit: Visits, alice: Client) -> None:
    page = await visit(f"/ai/prompts/run/{investigator(alice)}")
    await write(page, "Why?")
    await expect(page.get_by_text("Give a value for service.")).to_be_visible()
    await expect(page.get_by_label("service")).to_be_focused()
    await expect(composer(page)).to_have_value("Why?")
    await page.get_by_label("service").fill("checkout")
    await expect(page.get_by_text("Give a value for service.")).to_have_count(0)
    await composer(page).press("Enter")
    await expect(answers(page)).to_have_text("Why?")


async def test_a_prompt_that_asks_by_itself_needs_no_message(visit: Visits, alice: Client) -> None:
    prompt_id = prompt(
        alice,
        name="Greeter",
        messages=[{"role": "user", "content": "Greet {{who}}"}],
        variables=[{"name": "who"}],
    )
    page = await visit(f"/ai/prompts/run/{prompt_id}")
    await page.get_by_label("who").fill("Ines")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message.user .bubble")).to_have_text("Greet Ines")
    await expect(answers(page)).to_have_text("Greet Ines")


async def test_the_model_and_its_settings_change_between_turns(
    visit: Visits, alice: Client, provider: ScriptedProvider
) -> None:
    prompt_id = prompt(
        alice,
        name="Terse",
        messages=[{"role": "system", "content": "Be terse."}],
        settings={"model": "openai/echo", "temperature": 0.5, "max_tokens": 50},
    )
    page = await visit(f"/ai/prompts/run/{prompt_id}")
    await write(page, "terse one")
    await text_is(answers(page), "terse one\n")
    await page.get_by_role("button", name="Settings of the model").click()
    await expect(page.get_by_label("Temperature")).to_have_value("0.5")
    await page.get_by_label("Temperature").fill("hot")
    await page.get_by_role("button", name="Use for the next answer").click()
    await expect(page.get_by_text("Give a number from 0 to 2, such as 0.7.")).to_be_visible()
    await page.get_by_label("Temperature").fill("1.5")
    await page.get_by_label("Longest answer").fill("")
    await page.get_by_label("Further settings").fill('{"top_p": 0.9}')
    await page.get_by_role("button", name="Use for the next answer").click()
    await write(page, "terse two")
    await expect(answers(page)).to_have_count(2)
    sent = next(each.json for each in reversed(provider.requests) if b"terse two" in each.body)
    assert (sent["temperature"], sent["top_p"]) == (1.5, 0.9)
    assert "max_tokens" not in sent


async def test_what_is_unsent_survives_a_reload(visit: Visits, alice: Client) -> None:
    page = await visit(f"/ai/prompts/run/{investigator(alice)}")
    await page.get_by_label("service").fill("checkout")
    await composer(page).fill("half a thought")
    await page.reload()
    await expect(composer(page)).to_have_value("half a thought")
    await expect(page.get_by_label("service")).to_have_value("checkout")
    await expect(page.locator(".template")).to_contain_text("The service is checkout")
    await composer(page).press("Enter")
    await expect(answers(page)).to_have_text("half a thought")
    await page.reload()
    await expect(composer(page)).to_have_value("")
    await page.goto(page.url.rsplit("/", 1)[0])
    await expect(composer(page)).to_have_value("")
    await expect(page.get_by_label("service")).to_have_value("")


async def test_a_refused_message_goes_back_into_the_composer(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=nowhere/model")
    await write(page, "hello")
    await expect(page.locator("[data-problem]")).to_contain_text("There is no model")
    await expect(composer(page)).to_have_value("hello")
    await expect(page.locator("[data-thread] li")).to_have_count(0)
    await expect(page.get_by_role("heading", name="What is on your mind?")).to_be_visible()


async def test_what_does_not_exist_says_so(visit: Visits, alice: Client) -> None:
    nobody = "01a1fe2a-9db7-75aa-85d3-8791797b2e35"
    page = await visit(f"/ai/chat/{nobody}")
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("body")).to_contain_text("There is no run")
    visit.errors.clear()


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: Client, phone: bool, dark: bool
) -> None:
    page = await visit(f"/ai/prompts/run/{investigator(alice)}", phone=phone, dark=dark)
    await page.locator("[data-message-text]").fill("Hello")
    assert await problems(page) == []
    run_id = run(alice, "# One\n\n```python\nprint(1)\n```", "| a |\n|---|\n| 1 |")
    page = await visit(f"/ai/chat/{run_id}", phone=phone, dark=dark)
    await expect(answers(page)).to_have_count(2)
    assert await problems(page) == []


async def test_an_answer_that_was_cut_off_says_so(
    visit: Visits, provider: ScriptedProvider
) -> None:
    model, gate = scripted(provider, "It ends in the mid", finish="length")
    gate.open()
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "Say much")
    await expect(answers(page)).to_have_text("It ends in the mid")
    await expect(page.locator(".message.assistant .meta")).to_contain_text(
        "cut off at its longest length"
    )

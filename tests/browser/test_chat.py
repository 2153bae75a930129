"""The conversation: versions, forks, copies, keys, and where the reader is."""

import re

from httpx import Client
from playwright.async_api import Page, expect

from tests.browser.conftest import Visits
from tests.browser.running import (
    answers,
    composer,
    messages,
    post,
    run,
    run_in,
    scripted,
    stored,
    streamed,
    write,
)
from tests.provider import ScriptedProvider


async def texts(page: Page) -> list[str]:
    return await page.locator(".message.user .bubble").all_inner_texts()


async def test_a_chat_begins_without_a_prompt(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    await expect(page.get_by_role("heading", name="What is on your mind?")).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await write(page, "Hello **you**\n\n    indented")
    await expect(answers(page).locator("strong")).to_have_text("you")
    assert re.search("/ai/chat/[0-9a-f-]{36}$", page.url)
    assert stored(alice, f"/api/runs/{run_in(page)}")["source_type"] == "chat"
    await expect(composer(page)).to_be_focused()


async def test_an_edit_branches_and_the_old_line_is_kept(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "one", "two", "three")
    page = await visit(f"/ai/chat/{run_id}")
    second = page.locator(".message.user").nth(1)
    await second.hover()
    await second.get_by_role("button", name="Edit").click()
    field = page.get_by_label("Edit the message")
    await expect(field).to_have_value("two")
    await field.fill("two and a half")
    await field.press("Enter")
    await expect(answers(page).last).to_have_text("two and a half")
    assert await texts(page) == ["one", "two and a half"]
    group = page.get_by_role("group", name="Version 2 of 2")
    await expect(group).to_be_visible()
    await group.get_by_role("button", name="Previous version").click()
    await expect(page.get_by_role("group", name="Version 1 of 2")).to_be_visible()
    assert await texts(page) == ["one", "two", "three"]
    await page.reload()
    assert await texts(page) == ["one", "two", "three"]


async def test_escape_leaves_an_edit(visit: Visits, alice: Client) -> None:
    page = await visit(f"/ai/chat/{run(alice, 'as it was')}")
    await composer(page).press("ArrowUp")
    field = page.get_by_label("Edit the message")
    await expect(field).to_be_focused()
    await field.fill("changed my mind")
    await field.press("Escape")
    await expect(field).to_have_count(0)
    assert await texts(page) == ["as it was"]
    await expect(composer(page)).to_be_focused()


async def test_regenerating_adds_a_version(visit: Visits, provider: ScriptedProvider) -> None:
    model, gate = scripted(provider, "an answer")
    gate.open()
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "again please")
    await expect(answers(page)).to_have_text("an answer")
    await page.get_by_role("button", name="Regenerate").click()
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await expect(answers(page)).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.locator("h1").click(force=True, position={"x": 0, "y": 0})
    await page.keyboard.press("[")
    await expect(page.get_by_role("group", name="Version 1 of 2")).to_be_visible()


async def test_a_fork_is_a_run_of_its_own(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "one", "two")
    page = await visit(f"/ai/chat/{run_id}")
    await page.get_by_role("button", name="Fork from here").first.click()
    await page.wait_for_url(lambda url: run_id not in url)
    await expect(answers(page)).to_have_text(["one"])
    assert len(messages(alice, run_id)) == 4


async def test_copies_give_the_source(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "some **bold** words\n\n```python\nprint('x')\n```")
    page = await visit(f"/ai/chat/{run_id}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = page.locator(".message.assistant")
    await expect(answer.locator(".code-header")).to_contain_text("Python")
    await answer.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.locator(".toast")).to_contain_text("Copied")
    read = "navigator.clipboard.readText()"
    assert (await page.evaluate(read)).startswith("some **bold** words\n")
    await answer.get_by_role("button", name="Copy code").click()
    await expect(page.locator(".toast")).to_have_count(2)
    assert await page.evaluate(read) == "print('x')\n"
    wrap = answer.get_by_role("button", name="Wrap lines")
    await wrap.click()
    await expect(answer.locator("pre")).to_have_class(re.compile("wrap"))


async def test_shift_enter_is_a_new_line_and_the_composer_grows(
    visit: Visits, alice: Client
) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    await composer(page).press_sequentially("a")
    before = (await composer(page).bounding_box() or {})["height"]
    for _ in range(60):
        await composer(page).press("Shift+Enter")
    box = await composer(page).bounding_box() or {}
    assert before < box["height"] <= 0.4 * 860 + 1
    await expect(page.locator("[data-estimate]")).to_contain_text("tokens in")


async def test_on_touch_enter_is_a_new_line(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=openai/echo", phone=True)
    await composer(page).fill("one")
    await composer(page).press("Enter")
    await composer(page).press_sequentially("two")
    await expect(composer(page)).to_have_value("one\ntwo")
    await page.get_by_role("button", name="Send").tap()
    await expect(answers(page)).to_contain_text("two")


async def test_screen_readers_hear_sentences(visit: Visits, provider: ScriptedProvider) -> None:
    model, gate = scripted(provider, "It is ", "late. And ", "dark outside", ".")
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "what time")
    region = page.locator("[data-announce]")
    gate.open(1)
    await expect(streamed(page)).to_have_text("It is ")
    await expect(region).to_have_text("")
    gate.open(1)
    await expect(region.locator("p")).to_have_text(["It is late."])
    gate.open()
    said = ["It is late.", "And dark outside.", "Answer complete."]
    await expect(region.locator("p")).to_have_text(said)


async def test_the_view_sticks_to_the_end_only_for_who_is_there(
    visit: Visits, provider: ScriptedProvider
) -> None:
    lines = tuple(f"line {number}\n\n" for number in range(120))
    model, gate = scripted(provider, *lines)
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "many lines")
    gate.open(60)
    await expect(streamed(page)).to_contain_text("line 59")
    scroller = page.locator("[data-scroll]")
    from_end = "(e) => -e.scrollTop"
    assert await scroller.evaluate(from_end) < 2
    await scroller.evaluate("(e) => e.scrollBy(0, -300)")
    jump = page.get_by_role("button", name="Jump to the end")
    await expect(jump).to_be_visible()
    top = "(e) => e.querySelector('.message').getBoundingClientRect().top"
    before = await scroller.evaluate(top)
    gate.open(20)
    await expect(streamed(page)).to_contain_text("line 79")
    assert abs(await scroller.evaluate(top) - before) < 2
    await jump.click()
    await expect(jump).to_be_hidden()
    gate.open()
    await expect(answers(page)).to_contain_text("line 119")
    assert await scroller.evaluate(from_end) < 2


async def test_tool_calls_and_system_messages_fold(visit: Visits, alice: Client) -> None:
    run_id = post(alice, "/api/runs", {"name": "With tools"})["id"]
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"in": "Oslo"}'},
    }
    for message in (
        {"role": "system", "content": "You know the weather."},
        {"role": "user", "content": "Is it cold?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": '{"celsius": -3}', "tool_call_id": "c1", "name": "weather"},
        {"role": "assistant", "content": "Yes, -3 °C."},
    ):
        post(alice, f"/api/runs/{run_id}/messages", message)
    page = await visit(f"/ai/runs/{run_id}")
    await expect(page.get_by_text("You know the weather.")).to_be_hidden()
    await page.get_by_text("System message").click()
    await expect(page.get_by_text("You know the weather.")).to_be_visible()
    await page.get_by_text("Called weather").click()
    await expect(page.get_by_text('{"in": "Oslo"}')).to_be_visible()
    await page.get_by_text("Result of weather").click()
    await expect(page.get_by_text('{"celsius": -3}')).to_be_visible()
    await expect(answers(page).last).to_have_text("Yes, -3 °C.")

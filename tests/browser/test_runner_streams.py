"""Answers survive whoever looks at them: not one character is lost or doubled."""

import asyncio
import re
from collections.abc import Callable

from httpx import Client
from playwright.async_api import Page, expect

from airuns.server.db.door import Database
from tests.browser.conftest import Visits
from tests.browser.running import (
    answers,
    composer,
    messages,
    run,
    run_in,
    scripted,
    streamed,
    text_is,
    write,
)
from tests.conftest import Run
from tests.people import ALICE, BOB
from tests.provider import ScriptedProvider
from tests.serving import Served, wait_until

# Outside the basic plane, joined, combining, and from right to left.
PIECES = (
    "Grüße ",
    "👩‍👩‍👧‍👦 ",
    "e\u0301te\u0301 ",
    "नमस्ते ",
    "🇯🇵",
    " שלום ",
    "\U00020000 ",
    "Z\u0351\u036b\n",
    "  ende",
)


async def begun(page: Page) -> str:
    """Wait until the run has begun; return its id."""
    await page.wait_for_url(re.compile(r"/ai/chat/[0-9a-f-]{36}"))
    return run_in(page)


async def test_a_reload_at_any_moment_loses_nothing(
    visit: Visits, alice: Client, provider: ScriptedProvider
) -> None:
    model, gate = scripted(provider, *PIECES)
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "many alphabets")
    run_id = await begun(page)
    for number in range(len(PIECES) - 1):
        gate.open(1)
        if number % 2:
            await page.reload()
        await text_is(streamed(page), "".join(PIECES[: number + 1]))
    gate.open()
    await expect(answers(page)).to_be_visible()
    assert messages(alice, run_id)[-1]["content"] == "".join(PIECES)
    await expect(answers(page)).to_contain_text(
        "👩‍👩‍👧‍👦 e\u0301te\u0301 नमस्ते 🇯🇵 שלום \U00020000 Z\u0351\u036b"
    )


async def test_reloads_while_pieces_fly(visit: Visits, provider: ScriptedProvider) -> None:
    model, gate = scripted(provider, *(f"{number}🙂" for number in range(200)), delay=0.01)
    gate.open()
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "fast")
    await begun(page)
    for _ in range(4):
        await page.reload()
        await expect(page.locator(".message.assistant")).to_have_count(1)
    await text_is(answers(page), "".join(f"{number}🙂" for number in range(200)) + "\n")


async def test_two_tabs_see_the_same(visit: Visits, provider: ScriptedProvider) -> None:
    model, gate = scripted(provider, *PIECES)
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "two tabs")
    await begun(page)
    gate.open(3)
    await text_is(streamed(page), "".join(PIECES[:3]))
    other = await visit(page.url, again=page)
    await text_is(streamed(other), "".join(PIECES[:3]))
    gate.open(2)
    for tab in (page, other):
        await text_is(streamed(tab), "".join(PIECES[:5]))
    gate.open()
    for tab in (page, other):
        await expect(answers(tab)).to_contain_text("ende")


async def test_a_message_of_another_tab_appears(visit: Visits, alice: Client) -> None:
    page = await visit(f"/ai/chat/{run(alice, 'first')}")
    other = await visit(page.url, again=page)
    await write(page, "second from here")
    await expect(answers(page)).to_have_count(2)
    await expect(answers(other)).to_have_count(2)
    await expect(answers(other).last).to_have_text("second from here")
    await write(other, "third from there")
    await expect(answers(page)).to_have_count(3)
    await expect(answers(page).last).to_have_text("third from there")


async def test_who_comes_back_to_a_closed_tab_goes_on(
    visit: Visits, provider: ScriptedProvider
) -> None:
    model, gate = scripted(provider, *PIECES)
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "close me")
    await begun(page)
    gate.open(2)
    await text_is(streamed(page), "".join(PIECES[:2]))
    url, context = page.url, page.context
    keep = await context.new_page()
    await page.close()
    gate.open(3)
    back = await visit(url, again=keep)
    await text_is(streamed(back), "".join(PIECES[:5]))
    gate.open()
    await expect(answers(back)).to_contain_text("ende")
    await write(back, "and on")
    await expect(back.locator(".message.user")).to_have_count(2)


async def test_stop_keeps_what_came_and_retry_writes_anew(
    visit: Visits, provider: ScriptedProvider
) -> None:
    model, gate = scripted(provider, "kept ", "text ", "never ")
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "stop me")
    await begun(page)
    gate.open(2)
    await text_is(streamed(page), "kept text ")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="You stopped this answer")).to_be_visible()
    await expect(page.locator(".notice")).to_contain_text("10 characters, is kept above")
    await expect(answers(page)).to_have_text("kept text")
    await expect(composer(page)).to_be_focused()
    request = next(each for each in provider.requests if b"stop me" in each.body)
    await asyncio.to_thread(wait_until, request.disconnected.is_set)
    gate.open()
    await page.get_by_role("button", name="Retry", exact=True).click()
    await text_is(answers(page), "kept text never\n")
    await expect(page.locator(".branch")).to_contain_text("2/2")


async def test_a_stop_in_another_tab_after_a_reload(
    visit: Visits, provider: ScriptedProvider
) -> None:
    model, gate = scripted(provider, "one ", "two ")
    page = await visit(f"/ai/chat?model={model}")
    await write(page, "stop me elsewhere")
    await begun(page)
    gate.open(1)
    other = await visit(page.url, again=page)
    await text_is(streamed(other), "one ")
    await other.get_by_role("button", name="Stop the answer").click()
    await expect(page.get_by_role("heading", name="You stopped this answer")).to_be_visible()


async def test_a_failure_says_what_happened_and_another_model_may_try(
    visit: Visits, alice: Client
) -> None:
    run(alice, "so that echo is a model one has used")
    page = await visit("/ai/chat?model=openai/fail:400")
    await write(page, "will fail")
    await expect(page.get_by_role("heading", name="The provider answered 400")).to_be_visible()
    await expect(page.locator(".notice")).to_contain_text("failure")
    await expect(page.locator(".notice")).to_contain_text("Nothing had come.")
    await page.get_by_role("button", name="Show response").click()
    dialog = page.locator("[data-details]")
    await expect(dialog).to_contain_text('"messages":[{"role":"user","content":"will fail"}]')
    await dialog.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Retry with another model").click()
    await page.get_by_role("combobox", name="Search models").fill("openai/echo")
    await page.locator('dialog.picker [data-choice="openai/echo"]').first.click()
    await expect(answers(page)).to_have_text("will fail")


async def test_what_a_killed_server_was_writing_is_kept(
    visit: Visits,
    serve: Callable[..., Served],
    own_database_url: str,
    provider: ScriptedProvider,
    run: Run,
) -> None:
    door = Database(own_database_url, 2)
    await door.open()
    served = await asyncio.to_thread(serve, AIRUNS_DATABASE_URL=own_database_url)
    model, gate = scripted(provider, *PIECES)
    page = await visit(f"/ai/chat?model={model}", served=served, door=door)
    await write(page, "interrupted")
    await begun(page)
    gate.open(5)
    await text_is(streamed(page), "".join(PIECES[:5]))
    await asyncio.to_thread(served.kill)
    await asyncio.to_thread(served.start)
    await expect(page.get_by_role("heading", name="interrupted by a restart")).to_be_visible(
        timeout=30_000
    )
    await expect(answers(page)).to_have_text("".join(PIECES[:5]).strip())
    gate.open()
    await page.get_by_role("button", name="Retry", exact=True).click()
    await expect(answers(page)).to_contain_text("ende")
    await page.context.close()
    await door.close()
    visit.errors.clear()  # what the browser says while nobody is there


async def test_a_message_sent_offline_waits_and_goes_out_once(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "before")
    page = await visit(f"/ai/chat/{run_id}")
    await expect(answers(page)).to_have_count(1)
    await page.context.set_offline(True)
    await write(page, "from the tunnel")
    await expect(page.get_by_text("Waits for the network")).to_be_visible()
    banner = await page.locator("[data-offline]").bounding_box()
    assert banner
    assert banner["height"] < 60
    assert len(messages(alice, run_id)) == 2
    await page.context.set_offline(False)
    await expect(answers(page)).to_have_count(2)
    await expect(page.get_by_text("Waits for the network")).to_have_count(0)
    assert [each["content"] for each in messages(alice, run_id)][2:] == ["from the tunnel"] * 2
    visit.errors.clear()


async def test_what_waits_survives_a_reload_and_two_tabs_send_it_once(
    visit: Visits, alice: Client
) -> None:
    run_id = run(alice, "before")
    page = await visit(f"/ai/chat/{run_id}", alone=True)
    block = "**/api/prompt/run"
    await page.context.route(block, lambda route: route.abort())
    await page.context.route("**/socket.io/**", lambda route: route.abort())
    await page.context.route_web_socket("**/socket.io/**", lambda ws: ws.close())
    await page.reload()
    await write(page, "only once")
    await expect(page.get_by_text("Waits for the network")).to_be_visible()
    await page.reload()
    await expect(page.locator(".message.user .bubble").last).to_have_text("only once")
    other = await visit(page.url, again=page)
    await expect(other.locator(".message.user .bubble").last).to_have_text("only once")
    await page.context.unroute(block)
    await expect(answers(page)).to_have_count(2)
    await page.context.unroute_all()
    await page.reload()
    await expect(answers(page)).to_have_count(2)
    assert len(messages(alice, run_id)) == 4
    visit.errors.clear()


async def test_a_waiting_message_can_be_discarded(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "before")
    page = await visit(f"/ai/chat/{run_id}")
    await page.context.set_offline(True)
    await write(page, "rather not")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator(".message.user")).to_have_count(1)
    await page.context.set_offline(False)
    await page.reload()
    await expect(page.locator(".message.user")).to_have_count(1)
    assert len(messages(alice, run_id)) == 2
    visit.errors.clear()


async def test_a_stranger_sees_nothing(visit: Visits, alice: Client) -> None:
    page = await visit(f"/ai/chat/{run(alice, 'private words')}", BOB)
    await expect(page.locator("body")).not_to_contain_text("private words")
    await expect(page.locator("body")).to_contain_text("There is no run")
    assert ALICE != BOB
    visit.errors.clear()

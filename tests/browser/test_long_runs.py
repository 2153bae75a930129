"""A run of 10,000 messages opens at its end, and the browser holds a part of it only."""

import time

import httpx
from httpx import Client
from playwright.async_api import Locator, Page, expect

from airuns.server.db.door import Database
from airuns.server.runs import store, tree
from airuns.server.runs.rules import Turn
from tests.browser.conftest import Visits
from tests.browser.running import answers, write
from tests.people import ALICE

MOST_NODES = 320


async def long_run(db: Database, count: int) -> str:
    """Make a run of that many messages; return its id."""
    turns = [
        Turn(
            "user" if number % 2 == 0 else "assistant",
            f"message {number} of many\n\nIt has **two** paragraphs.",
        )
        for number in range(count)
    ]
    async with db.transaction(ALICE.who) as tx:
        new = store.NewRun(
            source_type="chat", source_id=None, name="A long run", settings={"model": "openai/echo"}
        )
        run_id = await store.create(tx, ALICE.user_id, new)
        nodes = await tree.append(tx, ALICE.user_id, run_id, None, turns)
        await tree.set_head(tx, ALICE.user_id, run_id, nodes[-1].id)
    return str(run_id)


def shown(page: Page, text: str) -> Locator:
    """Return the message that begins so."""
    return page.locator("[data-thread] > li").filter(has_text=text)


async def nodes(page: Page) -> int:
    return await page.locator("[data-thread] > li").count()


async def numbers_on(page: Page) -> list[int]:
    """Return the numbers of the messages on the page, in their order."""
    texts = await page.locator(".bubble, .prose p:first-child").all_inner_texts()
    return [int(each.split()[1]) for each in texts if each.startswith("message")]


async def scroll_until(page: Page, text: str, direction: int) -> None:
    """Scroll as a reader does until a message is on the page."""
    wanted = shown(page, text)
    for _ in range(200):
        if await wanted.count():
            return
        await page.locator("[data-scroll]").evaluate(f"(e) => e.scrollBy(0, {direction} * 3000)")
        assert await nodes(page) <= MOST_NODES
        await expect(page.locator("[data-thread]")).not_to_have_attribute("aria-busy", "true")
    raise AssertionError(f"{text} did not come")


async def test_a_run_of_10_000_messages_opens_at_its_end_at_once(
    visit: Visits, db: Database, alice: Client
) -> None:
    run_id = await long_run(db, 10_000)
    page = await visit(f"/ai/chat/{run_id}")
    await expect(shown(page, "message 9999 of many")).to_be_in_viewport()
    assert await nodes(page) < 100
    short = f"/ai/chat/{await long_run(db, 100)}"
    assert quickest(alice, f"/ai/chat/{run_id}") < 2 * quickest(alice, short)


def quickest(client: httpx.Client, path: str) -> float:
    """Return the seconds of the quickest of some requests: what others do here slows the rest."""
    return min(_seconds(client, path) for _ in range(10))


def _seconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    assert client.get(path, headers={"Accept": "text/html"}).status_code == 200
    return time.perf_counter() - began


async def test_earlier_messages_come_without_a_jump_and_far_ones_go(
    visit: Visits, db: Database
) -> None:
    page = await visit(f"/ai/chat/{await long_run(db, 600)}")
    await expect(shown(page, "message 599 of many")).to_be_in_viewport()
    await scroll_until(page, "message 200 of many", -1)
    await expect(shown(page, "message 599 of many")).to_have_count(0)
    numbers = await numbers_on(page)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    await scroll_until(page, "message 599 of many", 1)
    numbers = await numbers_on(page)
    assert numbers == list(range(numbers[0], 600))


async def test_who_reads_far_up_jumps_to_the_end(visit: Visits, db: Database) -> None:
    page = await visit(f"/ai/chat/{await long_run(db, 1000)}")
    await scroll_until(page, "message 600 of many", -1)
    await page.get_by_role("button", name="Jump to the end").click()
    await expect(shown(page, "message 999 of many")).to_be_in_viewport()
    await write(page, "and one more")
    await expect(answers(page).last).to_have_text("and one more")

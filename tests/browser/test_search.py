"""The search: messages found, shown in context, and opened where they were said."""

import re
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Locator, expect
from playwright.async_api import Page as BrowserPage

from airuns.server import ui
from airuns.server.db.door import Database
from airuns.server.pages import Page
from airuns.server.runs import store, tree
from airuns.server.runs.pages.asked import Asked
from airuns.server.runs.pages.table import TableContext
from airuns.server.runs.rules import Turn
from airuns.server.search.hits import Found
from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.listed import delete_run
from tests.browser.running import answers, messages, stored, write
from tests.browser.test_long_runs import long_run, numbers_on, scroll_until, shown
from tests.people import ALICE
from tests.search.finding import add, new_word, say, settle

CHINESE = "星期天的天气很好, 我们去公园"


@pytest.fixture
def word() -> str:
    """A word that nobody has said before."""
    return new_word()


def rows(page: BrowserPage) -> Locator:
    return page.locator("#runs [data-run-item]")


def hit(page: BrowserPage) -> Locator:
    """What was found of the first run."""
    return rows(page).first.locator("[data-hit]")


def search(page: BrowserPage) -> Locator:
    return page.get_by_role("searchbox", name="Search everything")


def change(client: httpx.Client, run: str, **values: Any) -> None:
    """Change a run as its owner does elsewhere."""
    assert client.patch(f"/api/runs/{run}", json=values).is_success


def message(page: BrowserPage, message_id: str) -> Locator:
    return page.locator(f"#m-{message_id}")


async def test_a_message_is_found_and_opened(visit: Visits, alice: httpx.Client, word: str) -> None:
    run = say(alice, f"Before the <b>{word}</b> there was nothing", name="A run")
    add(alice, run, f"{word} and {word} again", "assistant")
    chinese = say(alice, f"{word} {CHINESE}")
    settle(alice)
    page = await visit(f'/ai/runs?q={word} -"天气很好"')
    await expect(rows(page)).to_have_count(1)
    await expect(hit(page).locator("mark").first).to_have_text(word)
    await expect(hit(page).locator(".hit-more")).to_contain_text("1 more message")
    await search(page).fill(f"{word} before")
    await expect(hit(page)).to_contain_text(f"You, now Before the <b>{word}</b> there was nothing")
    said = messages(alice, run)[0]["id"]
    await hit(page).click()
    await expect(page).to_have_url(f"/ai/chat/{run}?message={said}#m-{said}")
    await expect(message(page, said)).to_be_in_viewport()
    await page.go_back()
    await expect(search(page)).to_have_value(f"{word} before")
    await search(page).fill(f"{word} 天气")
    await expect(hit(page).locator("mark")).to_have_text([word, "天气"])
    await expect(rows(page)).to_have_attribute("data-run-item", chinese)


async def test_the_last_word_may_be_unfinished_while_one_types(
    visit: Visits, alice: httpx.Client, word: str
) -> None:
    say(alice, f"{word}ism is a word")
    settle(alice)
    page = await visit("/ai/runs")
    await page.keyboard.press("/")
    await search(page).press_sequentially(word)
    await expect(hit(page).locator("mark")).to_have_text(f"{word}ism")
    await expect(page).to_have_url(re.compile(rf"\?q={word}&typing=true$"))
    await expect(page.locator("#run-totals")).to_contain_text("run1")
    await page.keyboard.press("Enter")
    await expect(page.locator("#runs .empty")).to_contain_text(f"No run matches “{word}”")
    await page.go_back()
    await expect(hit(page).locator("mark")).to_have_text(f"{word}ism")


async def test_filters_are_typed_and_taken_off(
    visit: Visits, alice: httpx.Client, word: str
) -> None:
    say(alice, f"{word} here", name="Tagged", tags=["a tag"])
    archived = say(alice, f"{word} there", name="Archived")
    change(alice, archived, archived=True)
    settle(alice)
    page = await visit(f'/ai/runs?q={word} tag:"a tag" source:custom cost:lots')
    await expect(page.locator(".chip:not(.add)")).to_have_text(["Tag a tag", "Source custom"])
    await expect(page.locator(".search-notes")).to_contain_text(
        "cost: takes US dollars, as >0.1, >=0.1, <0.1 or 0.1."
    )
    await expect(page.locator("#runs .empty")).to_contain_text("tag a tag; source custom")
    await page.get_by_role("link", name="Search without filters").click()
    await expect(page.locator("#runs .empty")).to_contain_text("No run matches")
    await search(page).fill(f'{word} tag:"a tag"')
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("button", name="Filter", exact=False).last.click()
    await page.get_by_label("Status of the last answer").select_option("error")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".chip:not(.add)")).to_have_text(["Status Error", "Tag a tag"])
    await expect(rows(page)).to_have_count(0)
    await page.get_by_role("link", name="Remove filter Status").click()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("link", name="Remove filter Tag").click()
    await expect(page).to_have_url(re.compile(rf"/ai/runs\?q={word}$"))
    await search(page).fill(f"{word} there")
    await page.get_by_role("link", name="Search archived runs").click()
    await expect(rows(page).locator("[data-run-name]")).to_have_text("Archived")
    await page.goto(f"/ai/runs?q={word} is:archived")
    await expect(rows(page).locator("[data-run-name]")).to_have_text("Archived")


async def test_results_are_sorted_loaded_and_changed_all_at_once(
    visit: Visits, alice: httpx.Client, word: str
) -> None:
    for number in range(53):
        say(alice, f"{word} {number}", name=f"Run {number}")
    say(alice, f"{word} " * 20 + "is what this is about", name=word)
    add(alice, say(alice, name="Newest"), f"a message that has {word} among many other words")
    settle(alice)
    page = await visit(f"/ai/runs?q={word}")
    names = page.locator("#runs [data-run-name]")
    await expect(names.first).to_have_text(word)
    await page.get_by_label("Sort by").select_option("Newest match")
    await expect(names.first).to_have_text("Newest")
    await expect(page).to_have_url(re.compile("sort=date"))
    await page.get_by_role("button", name="Load more").click()
    await expect(rows(page)).to_have_count(55)
    assert len(set(await names.all_inner_texts())) == 55
    await page.reload()
    await page.get_by_label("Select all on this page").check()
    await page.get_by_role("button", name="Select all 55").click()
    await expect(page.locator("[data-bulk-count]")).to_have_text("55 selected")
    await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(page.locator(".toast", has_text="55 runs archived")).to_be_visible()
    await expect(page.locator("#runs .empty")).to_be_visible()
    await page.keyboard.press("z")
    await expect(rows(page)).to_have_count(50)


async def test_a_row_stays_true_while_its_run_changes(
    visit: Visits, alice: httpx.Client, word: str
) -> None:
    run = say(alice, f"{word} is here", name="Before")
    settle(alice)
    page = await visit(f"/ai/runs?q={word}")
    await expect(hit(page)).to_be_visible()
    change(alice, run, name="After")
    await expect(rows(page).locator("[data-run-name]")).to_have_text("After")
    await expect(hit(page).locator("mark")).to_have_text(word)
    delete_run(alice, run)
    await expect(rows(page)).to_have_count(0)


async def test_it_opens_far_up_in_a_long_run_and_goes_on_from_there(
    visit: Visits, db: Database
) -> None:
    run = await long_run(db, 3_000)
    async with db.transaction(ALICE.who) as tx:
        found = await tx.value(
            "select id from airuns.ai_messages"
            " where user_id = %(user_id)s and run_id = %(run_id)s and depth = 1234",
            user_id=ALICE.user_id,
            run_id=UUID(run),
        )
    page = await visit(f"/ai/chat/{run}?message={found}#m-{found}")
    await expect(message(page, found)).to_be_in_viewport()
    await expect(message(page, found)).to_have_text(re.compile("message 1234 of many"))
    await scroll_until(page, "message 1300 of many", 1)
    await scroll_until(page, "message 1150 of many", -1)
    numbers = await numbers_on(page)
    assert all(after == before + 1 for before, after in pairwise(numbers))
    await page.get_by_role("button", name="Jump to the end").click()
    await expect(shown(page, "message 2999 of many")).to_be_in_viewport()
    await expect(page).to_have_url(f"/ai/chat/{run}")
    await page.goto("about:blank")
    await page.goto(f"/ai/chat/{run}#m-{found}")  # the server does not see what follows #
    await expect(message(page, found)).to_be_in_viewport()


async def branched(db: Database) -> tuple[str, str, str]:
    """Make a run of two lines; return its id, and a message of the older one, and its end."""
    async with db.transaction(ALICE.who) as tx:
        new = store.NewRun(
            source_type="chat", source_id=None, name="Two", settings={"model": "openai/echo"}
        )
        run = await store.create(tx, ALICE.user_id, new)

        def line(name: str) -> list[Turn]:
            roles = ("user", "assistant")
            return [Turn(roles[step % 2], f"{name} {step}") for step in range(60)]

        older = await tree.append(tx, ALICE.user_id, run, None, line("older"))
        newer = await tree.append(tx, ALICE.user_id, run, older[1], line("newer"))
        await tree.set_head(tx, ALICE.user_id, run, newer[-1].id)
    return str(run), str(older[4].id), str(newer[-1].id)


async def test_a_message_of_another_branch_is_shown_there(
    visit: Visits, alice: httpx.Client, db: Database
) -> None:
    run, found, head = await branched(db)
    page = await visit(f"/ai/chat/{run}?message={found}#m-{found}")
    await expect(message(page, found)).to_be_in_viewport()
    note = page.get_by_text("This is another branch than the current one.")
    await expect(note).to_be_visible()
    assert stored(alice, f"/api/runs/{run}")["head_message_id"] == head
    await scroll_until(page, "older 59", 1)
    await page.get_by_role("link", name="Show the current one").click()
    await expect(shown(page, "newer 59")).to_be_in_viewport()
    await expect(note).to_have_count(0)
    await page.go_back()
    await write(page, "more of the older")
    await expect(answers(page).last).to_have_text("more of the older")
    await expect(note).to_be_hidden()
    await page.reload()
    await expect(shown(page, "older 59")).to_be_visible()


async def test_the_palette_finds_what_was_said(
    visit: Visits, alice: httpx.Client, bob: httpx.Client, word: str
) -> None:
    say(bob, f"Bob's {word}")
    say(alice, "nothing", name=f"Named {word}")
    run = say(alice, f"Where is the {word} of <i>old</i>?", name="Said")
    settle(alice)
    settle(bob)
    page = await visit("/settings")
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search and commands")
    await palette.get_by_role("combobox").press_sequentially(word[:20])
    options = palette.locator("[data-palette-found] [role=option]")
    await expect(options).to_have_count(2)
    await expect(options.first).to_contain_text(f"Named {word}")
    await expect(options.last).to_contain_text(f"Where is the {word} of <i>old</i>?")
    await expect(options.last.locator("mark")).to_have_text(word)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    said = messages(alice, run)[0]["id"]
    await expect(message(page, said)).to_be_in_viewport()


async def test_the_sidebar_finds_what_was_said(
    visit: Visits, alice: httpx.Client, word: str
) -> None:
    chat = say(alice, f"a chat about {word}", name="Chat", source_type="chat")
    say(alice, f"a program about {word}", name="Program")
    settle(alice)
    page = await visit("/ai/chat")
    await page.get_by_role("button", name="Search and sort runs").click()
    await page.get_by_role("searchbox", name="Search these runs").fill(word)
    items = page.locator("#side-runs [data-run-item]")
    await expect(items).to_have_count(1)
    await expect(items.locator(".run-item-preview")).to_have_text(f"a chat about {word}")
    await page.get_by_label("Which runs").select_option("all")
    await expect(items).to_have_count(2)
    await items.filter(has_text="Chat").get_by_role("link").click()
    said = messages(alice, chat)[0]["id"]
    await expect(page).to_have_url(f"/ai/chat/{chat}?message={said}#m-{said}")
    await expect(message(page, said)).to_be_in_viewport()


@pytest.mark.parametrize(
    ("waiting", "seconds", "said"),
    [
        (12, 9.0, "12 messages are not searchable yet."),
        (1, 3.5, "1 message is not searchable yet."),
        (1000, 60.0, "1,000+ messages are not searchable yet."),
        (12, 0.4, None),
        (0, 0.0, None),
    ],
)
def test_what_is_not_searched_yet_is_told(waiting: int, seconds: float, said: str | None) -> None:
    found = Found(
        items=[],
        next_cursor=None,
        query="x",
        notices=[],
        is_capped=False,
        waiting=waiting,
        lag_seconds=seconds,
    )
    table = TableContext(asked=Asked(q="x"), page=Page([], None), found=found)
    notes = ui.templates().get_template("runs/pages/_run_notes.html").render(table=table)
    assert ("not searchable" in notes) == (said is not None)
    assert said is None or said in notes


def test_others_words_never_show(alice: httpx.Client, bob: httpx.Client, word: str) -> None:
    run = say(bob, f"Bob's {word}", name="Bob's own")
    settle(bob)
    for address in ("/ai/runs", "/ai/runs/sidebar", "/ai/palette", "/ai/runs/matching"):
        answer = alice.get(address, params={"q": word, "scope": "all"})
        assert answer.status_code == 200
        assert "Bob" not in answer.text
        assert run not in answer.text
        if "matching" not in address:
            assert run in bob.get(address, params={"q": word, "scope": "all"}).text
    assert run not in alice.get("/ai/runs/rows", params={"q": word, "ids": run}).text


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, word: str, dark: bool, phone: bool
) -> None:
    run = say(alice, f"this is {word} here", f"{word} is there", name=f"About {word}")
    settle(alice)
    page = await visit(f"/ai/runs?q={word} tag:none", dark=dark, phone=phone)
    await expect(page.locator("#runs .empty")).to_be_visible()
    assert await problems(page) == []
    await page.goto(f"/ai/runs?q={word} cost:lots of")
    await page.get_by_role("button", name="How to search").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="How to search")).to_be_visible()
    assert await problems(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="How to search")).to_be_focused()
    await search(page).fill(word)
    await expect(hit(page)).to_be_visible()
    assert await problems(page) == []
    await hit(page).focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/ai/chat/{run}"))
    assert await problems(page) == []

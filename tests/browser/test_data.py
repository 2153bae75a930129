"""The settings of data and of retention: everything is taken away, brought back, kept or let go."""

import json
from collections.abc import Callable, Coroutine, Generator
from typing import Any
from uuid import uuid4

import pytest
from httpx import Client
from playwright.async_api import FilePayload, Page, expect

from airuns.server.accounts import store
from airuns.server.db.door import As, Database
from tests.browser.axe import problems, views
from tests.browser.conftest import Run, Visits
from tests.browser.listed import delete_run
from tests.browser.running import answer_of, run, stored
from tests.browser.taking import taken
from tests.exports.foreign import talk, with_picture, zipped
from tests.people import Person
from tests.retention.test_retention import old_run
from tests.serving import Served


@pytest.fixture
def dora(db: Database, run: Run) -> Person:
    """Somebody who has nothing yet."""

    async def add() -> Person:
        user = await store.add_user(db, f"dora-{uuid4().hex[:12]}", "Dora", None)
        _, key = await store.add_key(db, As(user.id), "tests")
        return Person(user.username, user.id, key)

    return run(add())


@pytest.fixture
def client(server: Served, dora: Person) -> Generator[Client]:
    """Dora's client."""
    with server.client(dora) as client:
        yield client


Put = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def put(db: Database, dora: Person) -> Put:
    """Add an old run of Dora's."""

    async def work(**values: Any) -> str:
        async with db.transaction(dora.who) as tx:
            return await old_run(tx, dora.user_id, **values)

    return work


def archive_of(client: Client, *texts: str) -> dict[str, Any]:
    run_id = run(client, *texts)
    return answer_of(client, f"/api/runs/{run_id}/export?format=json").json()


def file(name: str, archive: Any) -> FilePayload:
    return {
        "name": name,
        "mimeType": "application/json",
        "buffer": json.dumps(archive).encode(),
    }


async def bring(page: Page, given: FilePayload) -> str:
    """Import a file; return what is reported."""
    report = page.locator("[data-import-report]")
    await page.get_by_label("Choose a file").set_input_files(given)
    await expect(report).to_be_focused()
    return await report.inner_text()


async def test_everything_is_exported_and_the_file_deleted(
    visit: Visits, dora: Person, client: Client
) -> None:
    archive_of(client, "all of this")
    page = await visit("/settings/data", dora)
    await page.get_by_role("button", name="Download everything").click()
    row = page.locator("#exports li")
    await expect(row).to_contain_text("Everything, 1 run")
    name, archive = await taken(page, row.get_by_role("link", name="Download"))
    assert name.startswith("airuns-everything-")
    assert json.loads(archive)["complete"] is True
    await row.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete export").click()
    await expect(page.locator("#exports")).to_contain_text("None.")
    assert stored(client, "/api/exports")["items"] == []


async def test_an_export_that_failed_says_why(visit: Visits, dora: Person, client: Client) -> None:
    page = await visit("/settings/data", dora)
    await expect(page.locator("#exports")).to_contain_text("None.")
    body = {"format": "text", "ids": [str(uuid4())]}
    await page.evaluate(
        """body => fetch("/api/exports", {method: "POST", body: JSON.stringify(body), headers: {
          "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content}})""",
        body,
    )
    await expect(page.locator("#exports .problem")).to_contain_text("There is no run")
    await page.get_by_role("button", name="Delete Text").click()
    await expect(page.locator("#exports")).to_contain_text("None.")


async def test_what_was_exported_comes_to_somebody_else(
    visit: Visits, alice: Client, dora: Person, client: Client
) -> None:
    archive = archive_of(alice, "bring me", "along")
    page = await visit("/settings/data", dora)
    said = await bring(page, file("first.json", archive))
    assert "1 run imported" in said
    assert "With 4 messages, 2 requests, 1 model." in said
    assert stored(client, "/api/runs")["items"][0]["name"] == "bring me"
    said = await bring(page, file("again.json", archive))
    assert "0 runs imported" in said
    assert "Here already, and left as it was: 1 run, 1 model." in said


async def test_what_is_refused_is_told_line_by_line(
    visit: Visits, alice: Client, dora: Person
) -> None:
    archive = archive_of(alice, "genuine")
    next(each for each in archive["records"] if each["type"] == "message")["content"] = "forged"
    page = await visit("/settings/data", dora)
    said = await bring(page, file("forged.json", archive))
    assert "No runs were imported" in said
    assert "1 refused" in said
    run_id = next(each for each in archive["records"] if each["type"] == "run")["id"]
    await expect(page.get_by_role("listitem").filter(has_text=run_id)).to_contain_text("hash")
    said = await bring(page, file("notes.json", {"hello": "world"}))
    assert "“notes.json” was not imported" in said
    visit.errors.clear()  # that was refused


async def test_chatgpt_comes_with_what_was_not_understood_and_a_file_that_is_absent(
    visit: Visits, dora: Person, client: Client
) -> None:
    files = with_picture()
    files["conversations-002.json"] = [{"title": "Odd"}, talk("Third")]
    page = await visit("/settings/data", dora)
    said = await bring(page, {**file("export.zip", {}), "buffer": zipped(files)})
    assert "4 runs imported" in said
    assert "With 8 messages, 4 requests, 1 file." in said
    assert "Left out: 3 other files." in said
    assert "Odd (conversations-002.json, 1):" in said
    [picture] = [each for each in stored(client, "/api/runs")["items"] if each["name"] == "Picture"]
    await page.goto(f"/ai/chat/{picture['id']}")
    await expect(page.locator(".attachment.absent")).to_have_count(2)
    await expect(page.locator(".attachment.picture img")).to_have_attribute("alt", "whiteboard.png")


async def test_rules_are_previewed_saved_and_applied(
    visit: Visits, dora: Person, client: Client, put: Put
) -> None:
    await put()
    await put(is_starred=True)
    await put(days=20)
    page = await visit("/settings/retention", dora)
    await expect(page.locator("[data-no-rules]")).to_be_visible()
    await page.get_by_role("button", name="Add rule").click()
    match = page.locator("[data-rule-match]")
    await expect(match).to_contain_text("Would archive 1 run with 0 messages now, the oldest of")
    await page.get_by_role("checkbox", name="Keep starred runs").uncheck()
    await expect(match).to_contain_text("Would archive 2 runs")
    await page.get_by_label("Tag").fill("nobody has this")
    await expect(match).to_have_text("Would archive nothing now")
    await page.get_by_label("Tag").fill("")
    await page.get_by_role("checkbox", name="Keep starred runs").check()
    await page.get_by_label("Untouched for").fill("10")
    await expect(match).to_contain_text("Would archive 2 runs")
    await page.get_by_role("button", name="Save rules").click()
    question = page.get_by_role("dialog", name="Save these rules?")
    await expect(question).to_contain_text("would archive 2 runs.")
    await question.get_by_role("button", name="Save and apply").click()
    await expect(page.locator("#retention-state")).to_contain_text("2 archived")
    await expect(page.locator("#retention-state")).to_contain_text("Next")
    assert stored(client, "/api/retention")["rules"][0]["days"] == 10
    await page.reload()
    await expect(page.get_by_role("button", name="Save rules")).to_be_disabled()
    await page.get_by_label("What to do").select_option("purge")
    await expect(page.get_by_label("In the trash for")).to_have_value("10")
    await page.get_by_role("button", name="Remove this rule").click()
    await expect(page.get_by_role("button", name="Add rule")).to_be_focused()
    await page.get_by_role("button", name="Save rules").click()
    await expect(page.locator(".toast")).to_contain_text("Rules saved")
    assert stored(client, "/api/retention")["rules"] == []


async def test_a_rule_that_cannot_be_says_where(visit: Visits, dora: Person) -> None:
    page = await visit("/settings/retention", dora)
    await page.get_by_role("button", name="Add rule").click()
    await page.get_by_label("Untouched for").fill("0")
    days = page.get_by_label("Untouched for")
    await expect(days).to_have_attribute("aria-invalid", "true")
    await days.fill("30")
    await expect(days).not_to_have_attribute("aria-invalid", "true")
    visit.errors.clear()  # that was refused


@pytest.mark.parametrize("path", ["/settings/retention", "/ai/runs?view=deleted"])
async def test_the_trash_is_emptied(
    visit: Visits, dora: Person, client: Client, put: Put, path: str
) -> None:
    kept, *gone = [await put() for _ in range(4)]
    for run_id in gone:
        delete_run(client, run_id)
    page = await visit(path, dora)
    await page.get_by_role("button", name="Empty trash…").click()
    question = page.get_by_role("dialog", name="Delete 3 runs for good?")
    await expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    await question.get_by_role("button", name="Delete").click()
    empty = "Nothing is deleted" if "runs" in path else "The trash is empty."
    await expect(page.get_by_text(empty)).to_be_visible()
    assert stored(client, f"/api/runs/{kept}")["id"] == kept
    assert stored(client, "/api/retention")["emptying"]["done"] == 3


async def test_an_account_goes_with_everything(
    visit: Visits, alice: Client, dora: Person, put: Put
) -> None:
    await put()
    page = await visit("/settings", dora)
    await page.get_by_role("link", name="Delete the account").click()
    await page.get_by_role("button", name="Delete my account").click()
    dialog = page.get_by_role("dialog", name="Delete the account of Dora?")
    await expect(dialog).to_contain_text("1 run with all messages")
    everything = dialog.get_by_role("button", name="Delete everything")
    await dialog.get_by_label("Type your user name").fill("somebody else")
    await expect(everything).to_be_disabled()
    await dialog.get_by_label("Type your user name").fill(dora.username)
    assert await problems(page) == []
    await everything.click()
    await page.wait_for_url("**/sign-in")
    users = stored(alice, "/api/users", limit=100)["items"]
    assert not any(user["id"] == str(dora.user_id) and user["is_active"] for user in users)
    alone = await visit("/settings/retention")
    await expect(alone.locator("#account")).to_contain_text("You are the only owner")


@views
async def test_nothing_keeps_people_out(
    visit: Visits, dora: Person, client: Client, dark: bool, phone: bool
) -> None:
    delete_run(client, run(client, "thrown away"))
    page = await visit("/settings/data", dora, dark=dark, phone=phone)
    await page.get_by_role("button", name="Download everything").click()
    await expect(page.get_by_role("link", name="Download")).to_be_visible()
    await bring(page, file("notes.json", {"hello": "world"}))
    visit.errors.clear()  # that was refused
    for path in ("/settings/data", "/settings/retention"):
        if path not in page.url:
            await page.goto(path)
            await page.get_by_role("button", name="Add rule").click()
            await expect(page.locator("[data-rule-match]")).to_contain_text("Would")
        assert await problems(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

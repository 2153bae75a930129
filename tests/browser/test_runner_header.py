"""The header, the inspector and the details of a run."""

from httpx import Client
from playwright.async_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import Visits
from tests.browser.listed import delete_run
from tests.browser.running import (
    answer_of,
    answers,
    run,
    stored,
)


async def test_a_run_is_renamed_where_its_name_stands(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "a first name")
    page = await visit(f"/ai/chat/{run_id}")
    other = await visit(page.url, again=page)
    name = page.get_by_label("Name of the run")
    await name.fill("something else")
    await name.press("Escape")
    await expect(name).to_have_value("a first name")
    await name.fill("A better name")
    await name.press("Enter")
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    await expect(page).to_have_title("A better name · AI Runs")
    await expect(other.get_by_label("Name of the run")).to_have_value("A better name")
    await expect(other).to_have_title("A better name · AI Runs")
    assert stored(alice, f"/api/runs/{run_id}")["name"] == "A better name"


async def test_a_name_that_could_not_be_saved_is_tried_again(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "stubborn")
    page = await visit(f"/ai/chat/{run_id}")
    await page.route(f"**/api/runs/{run_id}", lambda route: route.abort())
    name = page.get_by_label("Name of the run")
    await name.fill("Stubborn indeed")
    await name.press("Enter")
    await expect(page.locator("[data-saved]")).to_contain_text("Not saved, trying again in 4 s")
    await expect(name).to_have_value("Stubborn indeed")
    await page.unroute_all()
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    assert stored(alice, f"/api/runs/{run_id}")["name"] == "Stubborn indeed"
    visit.errors.clear()


async def test_star_and_tags(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "to be marked")
    page = await visit(f"/ai/chat/{run_id}")
    header = page.locator("[data-header]")
    await header.get_by_role("button", name="Star this run").click()
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    await (
        page.get_by_label("Details").or_(page.get_by_label("Facts about this run")).first.wait_for()
    )
    page = await visit(f"/ai/chat/{run_id}", viewport={"width": 1600, "height": 900})
    await expect(page.get_by_role("button", name="Star this run")).to_have_attribute(
        "aria-pressed", "true"
    )
    for tag in ("incident", "checkout"):
        await page.get_by_label("Add a tag").fill(tag)
        await page.get_by_label("Add a tag").press("Enter")
        await expect(page.locator("[data-tags] .tag", has_text=tag)).to_be_visible()
    await page.get_by_role("button", name="Remove the tag incident").click()
    await expect(page.locator("[data-tags] .tag")).to_have_count(1)
    assert stored(alice, f"/api/runs/{run_id}")["tags"] == ["checkout"]
    assert await problems(page) == []


async def test_archive_and_delete_can_be_undone(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "to go")
    page = await visit(f"/ai/chat/{run_id}")
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("button", name="Archive").click()
    await expect(page.locator("[data-header]")).to_contain_text("Archived")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.locator("[data-header]")).not_to_contain_text("Archived")
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete run").click()
    await expect(page.get_by_role("heading", name="This run is deleted")).to_be_visible()
    assert answer_of(alice, f"/api/runs/{run_id}").status_code == 404
    await page.reload()
    await expect(page.get_by_role("heading", name="This run is deleted")).to_be_visible()
    await page.get_by_role("button", name="Restore").click()
    await expect(answers(page)).to_have_text("to go")
    delete_run(alice, run_id)
    await page.reload()
    await page.get_by_role("button", name="Delete for good…").click()
    question = page.get_by_role("dialog", name="Delete 1 run for good?")
    await question.get_by_role("button", name="Delete for good").click()
    await page.wait_for_url("**/ai/runs?view=deleted")
    assert run_id not in answer_of(alice, "/api/runs?deleted=true").text
    visit.errors.clear()  # a deleted run answers 410


async def test_details_show_every_request_as_it_was_sent(visit: Visits, alice: Client) -> None:
    run_id = run(alice, "first question", "second question")
    page = await visit(f"/ai/chat/{run_id}")
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("button", name="Details and requests").first.click()
    dialog = page.locator("[data-details]")
    await expect(dialog).to_contain_text(run_id)
    await dialog.locator(".request summary").first.click()
    task = stored(alice, "/api/tasks", run_id=run_id)["items"][0]["task_id"]
    sent = answer_of(alice, f"/api/tasks/{task}/request")
    await expect(dialog.locator("pre").first).to_have_text(sent.text)
    await expect(dialog).to_contain_text(sent.headers["Airuns-Request-Sha256"])
    assert await problems(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()

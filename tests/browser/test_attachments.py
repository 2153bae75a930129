"""Files that go with a message."""

import base64

from httpx import Client
from playwright.async_api import expect

from tests.browser.conftest import Visits
from tests.browser.running import (
    answer_of,
    answers,
    composer,
    messages,
    run_in,
    write,
)
from tests.provider import ScriptedProvider

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
DROP = """
(target) => {
  const data = new DataTransfer();
  data.items.add(new File(["dropped words"], "dropped.txt", {type: "text/plain"}));
  for (const type of ["dragover", "drop"]) {
    const options = {dataTransfer: data, bubbles: true, cancelable: true};
    target.dispatchEvent(new DragEvent(type, options));
  }
}
"""
PASTE = """
(target) => {
  const data = new DataTransfer();
  data.items.add(new File(["pasted words"], "pasted.md", {type: "text/markdown"}));
  const options = {clipboardData: data, bubbles: true, cancelable: true};
  target.dispatchEvent(new ClipboardEvent("paste", options));
}
"""


async def test_files_are_attached_sent_and_shown(
    visit: Visits, alice: Client, provider: ScriptedProvider
) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    await page.locator("[data-files]").set_input_files(
        [
            {"name": "graph.png", "mimeType": "image/png", "buffer": PNG},
            {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Attached notes\n"},
        ]
    )
    chips = page.locator("[data-attachments] .attachment")
    await expect(chips).to_have_count(2)
    await expect(chips.last).to_contain_text("17 B")
    await write(page, "look at these")
    await expect(chips).to_have_count(0)
    await expect(answers(page)).to_be_visible()
    sent = page.locator(".message.user")
    await expect(sent.locator("figure img")).to_have_js_property("naturalWidth", 1)
    await expect(sent.locator("a.attachment")).to_contain_text("notes.md")
    [text, picture, notes] = messages(alice, run_in(page))[0]["content"]
    assert text == {"type": "text", "text": "look at these"}
    assert (picture["name"], notes["name"]) == ("graph.png", "notes.md")
    request = next(each for each in provider.requests if b"look at these" in each.body)
    assert b"Attached notes" in request.body
    href = await sent.locator("a.attachment").get_attribute("href")
    assert answer_of(alice, href or "").text == "# Attached notes\n"


async def test_files_are_dropped_pasted_removed_and_kept(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    await page.locator("[data-scroll]").evaluate(DROP)
    await composer(page).evaluate(PASTE)
    chips = page.locator("[data-attachments] .attachment")
    await expect(chips).to_have_count(2)
    await page.get_by_role("button", name="Remove dropped.txt").click()
    await expect(chips).to_have_count(1)
    await expect(chips).to_contain_text("12 B")
    await page.reload()
    await expect(chips).to_contain_text("pasted.md")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message.user a.attachment")).to_contain_text("pasted.md")


async def test_a_refused_file_stays_with_the_reason(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    file = {
        "name": "program.bin",
        "mimeType": "application/octet-stream",
        "buffer": b"\x00\x01\x02",
    }
    await page.locator("[data-files]").set_input_files([file])
    chip = page.locator("[data-attachments] .attachment")
    await expect(chip).to_contain_text("nothing else can be attached")
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await chip.get_by_role("button", name="Remove").click()
    await expect(chip).to_have_count(0)
    visit.errors.clear()  # the refusal is an error of the network tab


async def test_an_edit_keeps_the_files(visit: Visits, alice: Client) -> None:
    page = await visit("/ai/chat?model=openai/echo")
    file = {"name": "kept.txt", "mimeType": "text/plain", "buffer": b"kept"}
    await page.locator("[data-files]").set_input_files([file])
    await expect(page.locator("[data-attachments]")).to_contain_text("4 B")
    await write(page, "with a file")
    await expect(answers(page)).to_be_visible()
    await composer(page).press("ArrowUp")
    await page.get_by_label("Edit the message").fill("still with a file")
    await page.get_by_label("Edit the message").press("Enter")
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await expect(page.locator(".message.user a.attachment")).to_contain_text("kept.txt")

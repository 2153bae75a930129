"""Under a finger what can be pressed reacts on 44 px, whatever its box."""

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visits
from tests.people import ALICE

# From the middle of each control outwards: how far a touch still reaches it and nothing else. What
# is partly out of the window, under something else, or a link in a text is left out.
SMALL = """
(within) => {
  const kinds = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const found = [];
  let measured = 0;
  for (const one of document.querySelector(within).querySelectorAll(kinds)) {
    const box = one.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const reached = (dx, dy) => {
      const there = document.elementFromPoint(x + dx, y + dy);
      return !!there && (one.contains(there) || there.closest("label")?.control === one);
    };
    const inText = getComputedStyle(one).display === "inline" && one.closest("p, dd, li, .prose");
    if (one.disabled || inText || !box.width || !reached(0, 0)) continue;
    if (one.closest(".chips")?.getBoundingClientRect().right < box.right) continue;
    if (x < 22 || y < 22 || x > innerWidth - 22 || y > innerHeight - 22) continue;
    measured += 1;
    const reach = (dx, dy) => {
      let far = 0;
      while (far < 24 && reached(dx * (far + 1), dy * (far + 1))) far += 1;
      return far;
    };
    const [width, height] = [reach(-1, 0) + reach(1, 0) + 1, reach(0, -1) + reach(0, 1) + 1];
    const name = one.getAttribute("aria-label") || one.textContent.trim() || one.name;
    if (Math.min(width, height) < 43) found.push(`${name.slice(0, 40)}: ${width} x ${height}`);
  }
  return measured ? found : ["nothing was measured"];
}
"""


@pytest.fixture(scope="module")
def run_id(alice: httpx.Client) -> str:
    """A run of a prompt, with an answer."""
    messages = [{"role": "user", "content": "What is under a finger?"}]
    prompt = {"name": "Touched", "messages": messages, "tags": ["touch"]}
    prompt_id = alice.post("/api/prompts", json=prompt).raise_for_status().json()["id"]
    asked = {"prompt_id": prompt_id, "model": "openai/echo"}
    answer = alice.post("/api/prompt/run", json=asked).raise_for_status().json()
    path = f"/api/runs/{answer['run_id']}"
    alice.patch(path, json={"name": "Hi", "tags": ["touch"], "is_starred": True}).raise_for_status()
    return answer["run_id"]


async def small_targets(page: Page, within: str = "body") -> list[str]:
    await page.wait_for_load_state("networkidle")
    return await page.evaluate(SMALL, within)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/ai/chat", ".composer"),
        ("/ai/runs?tag=touch&starred=true", "tr.row"),
        ("/ai/prompts/runs?q=Touched", "tr.row"),
        ("/ai/prompts?q=Touched", "tr.row"),
        ("/ai/prompts/new", ".prompt-message"),
        ("/settings", "main form"),
        ("/settings/keys", "main form"),
        ("/settings/providers", "main [data-probe]"),
        ("/settings/gateway", "main .button"),
        ("/settings/prices", "main .button"),
        ("/settings/data", "main .button"),
        ("/settings/retention", "main .button"),
    ],
)
async def test_targets_are_large_enough(visit: Visits, run_id: str, path: str, shown: str) -> None:
    page = await visit(path, ALICE, phone=True)
    await expect(page.locator(shown)).not_to_have_count(0)
    assert await small_targets(page) == []


async def test_targets_of_a_run_and_its_drawer_are_large_enough(visit: Visits, run_id: str) -> None:
    page = await visit(f"/ai/chat/{run_id}", ALICE, phone=True, reduced_motion="reduce")
    assert await small_targets(page) == []
    await page.locator("[popovertarget=sidebar]:visible").first.tap()
    await expect(page.locator("#sidebar")).to_be_in_viewport(ratio=0.95)
    assert await small_targets(page, "#sidebar") == []


async def test_targets_of_the_palette_are_large_enough(visit: Visits) -> None:
    page = await visit("/ai/runs", ALICE, phone=True)
    await page.locator("[data-palette-open]:visible").first.tap()
    await page.locator("#palette [role=option]").first.wait_for()
    assert await small_targets(page) == []


async def test_sign_in_is_large_enough(visit: Visits) -> None:
    page = await visit("/sign-in", None, phone=True)
    assert await small_targets(page) == []

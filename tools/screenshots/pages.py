"""The pages to take pictures of, and what is done on each before."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from tools.screenshots.work import Filling

WIDTHS = (360, 1600)

Prepare = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Shot:
    """A picture: its name, the path of its page, and what is done before it is taken."""

    name: str
    path: str
    prepare: Prepare | None = None
    widths: tuple[int, ...] = WIDTHS


async def _palette(page: Page) -> None:
    await page.locator("[data-palette-open]:visible").first.click()
    await page.locator("#palette input").fill("halden")
    await page.locator("#palette [role=option]", has_text="Halden Logistics").first.wait_for()


async def _found(page: Page) -> None:
    await page.locator("[data-hit]").first.wait_for()


async def _keys(page: Page) -> None:
    await page.keyboard.press("Shift+?")
    await page.locator("#keys-sheet[open]").wait_for()


async def _read(page: Page) -> None:
    await page.locator("figure.chart [data-plot]").first.focus()
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        await page.keyboard.press(key)


async def _selection(page: Page) -> None:
    for number in (1, 2, 4):
        await page.locator("[data-select]").nth(number).check(force=True)


async def _history(page: Page) -> None:
    row = page.locator("tbody", has_text="Incident investigator")
    await row.locator("[data-history-toggle]").click()
    await page.locator(".history-entry summary").nth(1).click()
    await page.locator(".exchange").first.wait_for()


async def _drawer(page: Page) -> None:
    await page.locator("[popovertarget=sidebar]:visible").first.click()
    await page.locator("#sidebar:popover-open").wait_for()


async def _picker(page: Page) -> None:
    await page.locator("[data-model-field] button:visible").first.click()
    await page.locator(".picker [role=option]").first.wait_for()


async def _end(page: Page) -> None:
    await page.evaluate("document.querySelector('[data-scroll]').scrollTo(0, 1e9)")


async def _start(page: Page) -> None:
    await page.locator("[data-scroll]").hover()
    await page.mouse.wheel(0, -100_000)


async def _compared(page: Page) -> None:
    await page.locator("main select").first.select_option(index=1)


async def _download(page: Page) -> None:
    await page.locator("[data-download-all]").click()
    await page.locator("[data-export-as]").first.wait_for()


async def _download_run(page: Page) -> None:
    await page.locator("[popovertarget=this-run-menu]").click()
    await page.locator("#this-run-menu [data-do=download]").click()
    await page.locator("[data-export-as]").first.wait_for()


async def _exported(page: Page) -> None:
    if not await page.locator("#exports li").count():
        await page.locator("[data-make-export]").first.click()
    await page.locator("#exports li[data-state=done]").wait_for()


async def _rule(page: Page) -> None:
    await page.locator("[data-rule-add]").click()
    await page.locator("[data-rule] [name=days]").fill("30")
    await page.locator("[data-rule-match]", has_text="Would").wait_for()


async def _tried(page: Page) -> None:
    await page.locator("[data-probe=halden-gpu]").click()
    await page.locator("[data-probe-of=halden-gpu] .outcome:visible").wait_for()


def shots(work: Filling) -> list[Shot]:
    """Return every page, in the order in which a reader would see them."""
    investigator = work.prompts["Incident investigator"]["id"]
    checkout, failed = work.runs["checkout"], work.runs["failed"]
    runner = f"/ai/prompts/run/{investigator}"
    return [
        Shot("runner-new", runner),
        Shot("runner-answer", f"{runner}/{checkout}", _start),
        Shot("runner-streaming", f"{runner}/{checkout}", _end),
        Shot("runner-download", f"{runner}/{checkout}", _download_run),
        Shot("runner-error", f"/ai/chat/{failed}", _end),
        Shot("runner-picker", runner, _picker),
        Shot("runner-sidebar", f"{runner}/{checkout}", _drawer, (360,)),
        Shot("chat-new", "/ai/chat"),
        Shot("runs", "/ai/runs"),
        Shot("runs-selection", "/ai/runs", _selection),
        Shot("runs-filtered", "/ai/runs?source_type=prompt&tag=incident&sort=cost"),
        Shot("runs-download", "/ai/runs", _download),
        Shot("runs-found", "/ai/runs?q=halden", _found),
        Shot("runs-none", "/ai/runs?q=unheard-of"),
        Shot("prompt-runs", "/ai/prompts/runs"),
        Shot("runs-of-prompt", f"/ai/prompts/{investigator}/runs"),
        Shot("prompts", "/ai/prompts"),
        Shot("prompts-history", "/ai/prompts", _history),
        Shot("editor-new", "/ai/prompts/new"),
        Shot("editor", f"/ai/prompts/{investigator}/edit"),
        Shot("versions", f"/ai/prompts/{investigator}/versions/3", _compared),
        Shot("analytics", "/ai/analytics", _read),
        Shot("analytics-by-prompt", "/ai/analytics?by=prompt&period=year"),
        Shot("settings-account", "/settings"),
        Shot("settings-keys", "/settings/keys"),
        Shot("settings-providers", "/settings/providers", _tried),
        Shot("settings-gateway", "/settings/gateway"),
        Shot("settings-prices", "/settings/prices"),
        Shot("settings-budgets", "/settings/budgets"),
        Shot("settings-data", "/settings/data", _exported),
        Shot("settings-retention", "/settings/retention", _rule),
        Shot("settings-users", "/settings/users"),
        Shot("palette", "/ai/runs", _palette),
        Shot("keys", "/ai/runs", _keys, (1600,)),
        Shot("not-found", "/ai/runs/00000000-0000-0000-0000-000000000000"),
        Shot("components", "/dev/components"),
    ]


SIGNED_OUT = [Shot("sign-in", "/sign-in")]

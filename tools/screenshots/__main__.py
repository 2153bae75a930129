"""Take the pictures: `python -m tools.screenshots [NAME …]`, all of them unless some are named."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright
from tests.provider import ScriptedProvider
from tests.serving import Served, airuns

from tools.screenshots.pages import SIGNED_OUT, WIDTHS, Shot, shots
from tools.screenshots.work import Filling

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
PORT = 8479  # of the provider, whose address is in the pictures
HEIGHTS = {360: 740, 1600: 1000}
THEMES = ("light", "dark")
CALM = """
() => document.fonts.status === "loaded" &&
  ![...document.querySelectorAll(".skeleton, .htmx-request, [aria-busy=true]")]
    .some((one) => one.checkVisibility() && !one.closest(".specimens, .message"))
"""


def main() -> int:
    """Serve, fill, take; return how many pictures could not be taken."""
    wanted = sys.argv[1:]
    with (
        tempfile.TemporaryDirectory(prefix="airuns-pictures-") as folder,
        ScriptedProvider(port=PORT) as provider,
    ):
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o755)
        os.chmod(folder, 0o755)  # noqa: S103  # PostgreSQL's own user passes through
        served = Served(data_dir, **_environment(provider))
        try:
            work = Filling(_client(served), provider, data_dir)
            work.fill()
            failed = asyncio.run(_take(served, work, wanted))
            work.gate.open()
        finally:
            served.stop()
    _shrink()
    return failed


def _environment(provider: ScriptedProvider) -> dict[str, Any]:
    keys = {f"{name}_API_KEY": "pictures" for name in ("OPENAI", "ANTHROPIC", "GEMINI")}
    urls = {f"{name}_BASE_URL": f"{provider.url}/v1" for name in ("OPENAI", "GEMINI")}
    return {
        **keys,
        **urls,
        "ANTHROPIC_BASE_URL": provider.url,
        "AIRUNS_LOCAL_MODEL": None,
        "AIRUNS_RETRIES": 0,
        "AIRUNS_TOKEN_TIMEOUT": 3600,
        "AIRUNS_DEV": "true",
    }


def _client(served: Served) -> httpx.Client:
    env: dict[str, Any] = {name: value for name, value in served.env.items() if value is not None}
    key = airuns(served.data_dir, "key", "create", "pictures", **env).stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=served.url, headers=headers, timeout=60)


async def _take(served: Served, work: Filling, wanted: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Pictures need Chromium: apt-get install chromium"
    failed = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        )
        state = await _signed_in(browser, served)
        for width in WIDTHS:
            for theme in THEMES:
                context = await _context(browser, served, width, theme, state)
                for shot in shots(work):
                    failed += await _shoot(context, shot, width, theme, wanted)
                await context.close()
                context = await _context(browser, served, width, theme, None)
                for shot in SIGNED_OUT:
                    failed += await _shoot(context, shot, width, theme, wanted)
                await context.close()
        await browser.close()
    return failed


async def _signed_in(browser: Browser, served: Served) -> Any:
    """Sign in by the link that the server printed, and return the cookies."""
    links = re.findall(r"http\S+(/sign-in/\S+)", served.output())
    context = await browser.new_context(base_url=served.url)
    page = await context.new_page()
    await page.goto(links[-1])
    await page.get_by_role("button").first.click()
    await page.wait_for_url(lambda url: "/sign-in/" not in url)
    state = await context.storage_state()
    await context.close()
    return state


async def _context(
    browser: Browser, served: Served, width: int, theme: str, state: Any
) -> BrowserContext:
    phone = width == 360
    return await browser.new_context(
        base_url=served.url,
        viewport={"width": width, "height": HEIGHTS[width]},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=phone,
        has_touch=phone,
        timezone_id="Europe/Berlin",
        storage_state=state,
    )


async def _shoot(
    context: BrowserContext, shot: Shot, width: int, theme: str, wanted: list[str]
) -> int:
    """Take one picture; a page that does not come to rest is named and counted."""
    if (wanted and shot.name not in wanted) or width not in shot.widths:
        return 0
    page = await context.new_page()
    page.set_default_timeout(10_000)
    try:
        await page.goto(shot.path)
        await _calm(page)
        if shot.prepare:
            await shot.prepare(page)
            await _calm(page)
        path = FOLDER / f"{shot.name}-{width}-{theme}.png"
        await page.screenshot(path=path, animations="disabled", caret="hide")
    except Error as error:
        print(f"{shot.name}, {width}, {theme}: {str(error).splitlines()[0]}", flush=True)
        return 1
    finally:
        await page.close()
    return 0


async def _calm(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    await page.wait_for_function(CALM)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")


def _shrink() -> None:
    """Give the pictures a palette of 256 colours, where pngquant is installed."""
    pictures = sorted(FOLDER.glob("*.png"))
    if program := shutil.which("pngquant"):
        options = ["--force", "--skip-if-larger", "--speed", "3", "--ext", ".png"]
        subprocess.run([program, *options, "256", "--", *pictures], check=False)
    megabytes = sum(path.stat().st_size for path in pictures) / 1e6
    print(f"{len(pictures)} pictures, {megabytes:.1f} MB, in {FOLDER}")


if __name__ == "__main__":
    sys.exit(main() > 0)

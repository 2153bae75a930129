"""What a page costs its reader: bytes and requests, never times, which are the machine's."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Visits

HEAVIEST = 150_000
MOST_REQUESTS = 70
PATHS = ["/ai/chat", "/ai/runs", "/ai/prompts", "/ai/prompts/new", "/settings/providers"]


@dataclass
class Traffic:
    """What a page asked for, and how many bytes came, compressed as they came."""

    addresses: list[str] = field(default_factory=list)
    received: float = 0


async def traffic(page: Page, path: str) -> Traffic:
    """Open a page with nothing cached, and return what that took."""
    found = Traffic()
    network = await page.context.new_cdp_session(page)
    await network.send("Network.enable")
    await network.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def finished(event: dict[str, float]) -> None:
        found.received += event["encodedDataLength"]

    network.on("Network.loadingFinished", finished)
    page.on("request", lambda request: found.addresses.append(request.url))
    await page.goto(path, wait_until="networkidle")
    return found


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_light_and_asks_nobody_else(visit: Visits, path: str) -> None:
    page = await visit("/settings", alone=True)
    found = await traffic(page, path)
    home = urlsplit(page.url).netloc
    elsewhere = [one for one in found.addresses if urlsplit(one).netloc not in (home, "")]
    assert elsewhere == []
    assert 20_000 < found.received < HEAVIEST
    assert len(found.addresses) <= MOST_REQUESTS, found.addresses


async def test_files_are_fetched_once(visit: Visits) -> None:
    page = await visit("/ai/chat")
    await page.wait_for_load_state("networkidle")
    await page.goto("/ai/chat", wait_until="networkidle")
    sizes = await page.evaluate(
        "performance.getEntriesByType('resource')"
        ".filter((one) => one.name.includes('/static/')).map((one) => one.transferSize)"
    )
    assert sizes
    assert sum(sizes) == 0

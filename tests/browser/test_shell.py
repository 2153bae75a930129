"""The frame of every page."""

from tests.browser.axe import problems
from tests.browser.conftest import Visit


async def test_nothing_keeps_people_out(visit: Visit) -> None:
    page = await visit("/")
    await page.screenshot(path="/tmp/lab/home.png")
    assert await problems(page) == []

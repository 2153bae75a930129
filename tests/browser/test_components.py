"""The page of all components: only in development, and itself without a fault."""

from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from airuns.server.db.door import Database
from tests.browser.axe import COLOURS, problems
from tests.browser.conftest import Run, Visits
from tests.people import ALICE
from tests.serving import Served

Dev = tuple[Served, Database]


@pytest.fixture(scope="module")
def dev(folder: Path, new_database: Callable[[], str], run: Run) -> Generator[Dev]:
    """A server in development, and the door to its database."""
    url = new_database()
    database = Database(url, 2)
    run(database.open())
    served = Served(folder / "dev", AIRUNS_DATABASE_URL=url, AIRUNS_DEV="on")
    yield served, database
    served.stop()
    run(database.close())


async def test_every_component_is_shown_and_keeps_nobody_out(dev: Dev, visit: Visits) -> None:
    served, door = dev
    for phone in (False, True):
        page = await visit("/dev/components", served=served, door=door, phone=phone)
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await page.reload()  # no colour is on its way to another
            await expect(page.locator(".specimen").last).to_be_attached()
            assert await problems(page, COLOURS if theme == "dark" else None) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    links = page.locator(".sidebar-scroll .side-link")
    assert await links.count() == await page.locator(".specimen").count()


async def test_nothing_moves_for_who_asks_for_that(dev: Dev, visit: Visits) -> None:
    served, door = dev
    page = await visit("/dev/components", served=served, door=door, reduced_motion="reduce")
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert await page.evaluate(moving) == 0


def test_it_is_not_there_otherwise(alice: httpx.Client) -> None:
    assert alice.get("/dev/components").status_code == 404


def test_pages_are_compressed_and_the_api_is_not(server: Served) -> None:
    with server.client(ALICE) as client:
        assert client.get("/settings").headers["content-encoding"] == "gzip"
        assert "content-encoding" not in client.get("/docs/openapi.json").headers
        assert "content-encoding" not in client.get("/api/me").headers


def test_the_manifest_names_what_is_there(alice: httpx.Client) -> None:
    page = alice.get("/sign-in").text
    path = page.partition('rel="manifest" href="')[2].partition('"')[0]
    manifest = alice.get(path)
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    icon = httpx.URL(path).join(manifest.json()["icons"][0]["src"])
    assert alice.get(str(icon)).headers["content-type"].startswith("image/svg+xml")

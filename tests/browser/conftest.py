"""A real browser on the real server: Debian's Chromium, driven by Playwright.

Tests are `async def` and take `visit`, which opens a page as a person. A page that logs an error (a
script that fails, a file that is missing, a breach of the content security policy) fails its test.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    async_playwright,
    expect,
)

from airuns.server.accounts import store
from airuns.server.accounts.guard import SESSION_COOKIE
from airuns.server.db.door import Database
from tests.people import ALICE, Person
from tests.serving import Served

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 860}
# What a page takes on a busy machine; one that is quick waits for nothing.
WAIT_MS = 20_000
PHONE = {"width": 360, "height": 740}

# What a browser says when its network or its server is taken away, which tests do on purpose.
AWAY = ("net::ERR_INTERNET_DISCONNECTED", "net::ERR_CONNECTION_REFUSED")

Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def closed(what: Browser | BrowserContext) -> None:
    """Close a browser or a part of it; seldom Chromium never answers."""
    await asyncio.wait([asyncio.ensure_future(what.close())], timeout=10)


def is_fault(said: ConsoleMessage) -> bool:
    """Say whether something in the console is an error of a page."""
    return said.type == "error" and not any(each in said.text for each in AWAY)


@pytest.fixture(scope="session")
def playwright(run: Run) -> Generator[Playwright]:
    """Playwright, on the loop of the tests."""
    started = run(async_playwright().start())
    expect.set_options(timeout=WAIT_MS)
    yield started
    run(started.stop())


@pytest.fixture(scope="session")
def browser(playwright: Playwright, run: Run) -> Generator[Browser]:
    """A Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "These tests need Chromium: apt-get install chromium"
    browser = run(playwright.chromium.launch(executable_path=program, args=ARGUMENTS))
    yield browser
    run(closed(browser))


class Visits:
    """Open a page as a person: `await visit("/ai/chat", BOB, phone=True, dark=True)`.

    None as the person is nobody. `again=page` opens one more tab in the same browser. `served` is
    another server, of which `door` must be the door. Further options are those of a browser
    context. `errors` are those that the pages have logged; a test that expects some takes them out.
    """

    def __init__(self, browser: Browser, server: Served, db: Database) -> None:
        self.errors: list[str] = []
        self._browser, self._server, self._db = browser, server, db
        self._opened: list[BrowserContext] = []

    async def __call__(
        self,
        path: str,
        person: Person | None = ALICE,
        *,
        phone: bool = False,
        dark: bool = False,
        again: Page | None = None,
        served: Served | None = None,
        door: Database | None = None,
        **options: Any,
    ) -> Page:
        url = (served or self._server).url
        if again is not None:
            context = again.context
        else:
            shown = {"viewport": PHONE if phone else DESKTOP, "has_touch": phone}
            theme = "dark" if dark else "light"
            context = await self._browser.new_context(
                **{**shown, "base_url": url, "color_scheme": theme, "is_mobile": phone, **options}
            )
            self._opened.append(context)
            if person is not None:
                token = await store.add_session(door or self._db, person.user_id, "Chromium", 1)
                await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": url}])
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        page.on("console", lambda said: is_fault(said) and self.errors.append(said.text))
        await page.goto(path)
        return page

    async def leave(self) -> None:
        """Close every page."""
        while self._opened:
            await closed(self._opened.pop())


@pytest.fixture
def visit(browser: Browser, server: Served, db: Database) -> Visits:
    """Open pages in the browser, see `Visits`."""
    return Visits(browser, server, db)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None, None, None]:
    """Close a test's pages before its fixtures take away what the pages show."""
    visit = item.funcargs.get("visit")
    try:
        yield
    finally:
        if isinstance(visit, Visits):
            item.funcargs["run"](visit.leave())
    if isinstance(visit, Visits):
        assert not visit.errors, visit.errors

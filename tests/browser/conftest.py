"""A real browser on the real server: Debian's Chromium, driven by Playwright.

Its headless shell is taken where there is one: the same pages cost it a fifth less than the whole
program, which has windows that nobody sees.

Tests are `async def` and take `visit`, which opens a page as a person. A page that logs an error (a
script that fails, a file that is missing, a breach of the content security policy) fails its test.

A new page costs more than what most tests do with it, so one of each look is kept for the next
test, made clean. A test that does to its browser what cannot be taken back visits `alone`.
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
    ViewportSize,
    async_playwright,
    expect,
)
from playwright.async_api import Error as PlaywrightError

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
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
# What a page takes on a busy machine; one that is quick waits for nothing.
WAIT_MS = 20_000
PHONE: ViewportSize = {"width": 360, "height": 740}

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
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "These tests need Chromium: apt-get install chromium-headless-shell"
    browser = run(playwright.chromium.launch(executable_path=program, args=ARGUMENTS))
    yield browser
    run(closed(browser))


class Kept:
    """Pages that wait for the next test, by their look: whether a phone, whether dark."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bool, bool], Page] = {}

    def take(self, look: tuple[bool, bool]) -> Page | None:
        """Return a clean page of this look, if one waits."""
        return self._waiting.pop(look, None)

    async def keep(self, page: Page, look: tuple[bool, bool]) -> bool:
        """Make a page as it was when it was new, and keep it, unless one like it waits."""
        if look in self._waiting or page.is_closed():
            return False
        context = page.context
        for other in context.pages:
            if other is not page:
                await other.close()
        await context.set_offline(False)
        await page.unroute_all(behavior="ignoreErrors")
        await context.unroute_all(behavior="ignoreErrors")
        await page.goto("/healthz")  # what a page writes when it is left is written by now
        await page.evaluate("localStorage.clear(); sessionStorage.clear(); window.name = ''")
        await context.clear_cookies()
        await context.clear_permissions()
        await page.set_viewport_size(PHONE if look[0] else DESKTOP)
        tools = await context.new_cdp_session(page)
        await tools.send("Page.resetNavigationHistory")
        await tools.detach()
        self._waiting[look] = page
        return True


@pytest.fixture(scope="session")
def kept() -> Kept:
    """The pages that wait for the next test."""
    return Kept()


class Visits:
    """Open a page as a person: `await visit("/ai/chat", BOB, phone=True, dark=True)`.

    None as the person is nobody. `again=page` opens one more tab in the same browser. `served` is
    another server, of which `door` must be the door. Further options are those of a browser
    context. `alone` is for a test that listens to its page, sets its clock or measures it: the page
    is new and nobody's after it. `errors` are those that the pages have logged; a test that expects
    some takes them out.
    """

    def __init__(self, browser: Browser, server: Served, db: Database, kept: Kept) -> None:
        self.errors: list[str] = []
        self._browser, self._server, self._db, self._kept = browser, server, db, kept
        self._opened: list[BrowserContext] = []
        self._keepable: list[tuple[Page, tuple[bool, bool]]] = []

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
        alone: bool = False,
        **options: Any,
    ) -> Page:
        url = (served or self._server).url
        if again is not None:
            page = await again.context.new_page()
        else:
            page = None
            keepable = not (alone or served or options)
            if keepable:
                page = self._kept.take((phone, dark))
            if page is None:
                page = await self._new(url, phone=phone, dark=dark, **options)
            self._opened.append(page.context)
            if keepable:
                self._keepable.append((page, (phone, dark)))
            if person is not None:
                token = await store.add_session(door or self._db, person.user_id, "Chromium", 1)
                await page.context.add_cookies(
                    [{"name": SESSION_COOKIE, "value": token, "url": url}]
                )
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", self._note_error)
        page.on("console", self._note_said)
        await page.goto(path)
        return page

    async def _new(self, url: str, *, phone: bool, dark: bool, **options: Any) -> Page:
        shown = {"viewport": PHONE if phone else DESKTOP, "has_touch": phone}
        theme = "dark" if dark else "light"
        context = await self._browser.new_context(
            **{**shown, "base_url": url, "color_scheme": theme, "is_mobile": phone, **options}
        )
        return await context.new_page()

    def _note_error(self, error: PlaywrightError) -> None:
        self.errors.append(str(error))

    def _note_said(self, said: ConsoleMessage) -> None:
        if is_fault(said):
            self.errors.append(f"{said.location['url']}: {said.text}")

    async def leave(self) -> None:
        """Leave every page: one of each look is made clean and kept, the others are closed."""
        for page, look in self._keepable:
            if page.context in self._opened and await self._let_go(page, look):
                self._opened.remove(page.context)
        self._keepable.clear()
        while self._opened:
            await closed(self._opened.pop())

    async def _let_go(self, page: Page, look: tuple[bool, bool]) -> bool:
        """Keep a page for the next test; one that cannot be made clean is not kept."""
        page.remove_listener("pageerror", self._note_error)
        page.remove_listener("console", self._note_said)
        try:
            async with asyncio.timeout(10):
                return await self._kept.keep(page, look)
        except (PlaywrightError, TimeoutError):
            return False


@pytest.fixture
def visit(browser: Browser, server: Served, db: Database, kept: Kept) -> Visits:
    """Open pages in the browser, see `Visits`."""
    return Visits(browser, server, db, kept)


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

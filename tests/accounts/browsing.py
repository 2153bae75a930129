"""A browser, as far as signing in needs one: cookies, and the token of the form on a page."""

import re

import httpx

PASSWORD = "correct horse battery"


def form_token(page: str) -> str:
    """Return the token in a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def submit(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Load the page at `path` and send its form."""
    token = form_token(browser.get(path).text)
    return browser.post(path, data={"csrf_token": token, **fields})


def sign_in(browser: httpx.Client, username: str, password: str = PASSWORD) -> httpx.Response:
    """Sign in by the password form."""
    return submit(browser, "/sign-in", username=username, password=password)


def page_token(browser: httpx.Client) -> dict[str, str]:
    """Return the header that requests of a signed-in page carry."""
    return {"X-CSRF-Token": form_token(browser.get("/settings").text)}

"""What every answer carries, and pages that load nothing from elsewhere."""

import re
from collections.abc import Generator

import httpx
import pytest

from tests.serving import Served

PATHS = [
    "/",
    "/sign-in",
    "/sign-in/x",
    "/api/me",
    "/nothing",
    "/docs",
    "/docs/openapi.json",
    "/readyz",
]


@pytest.fixture
def nobody(server: Served) -> Generator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_security_headers(nobody: httpx.Client, path: str) -> None:
    headers = nobody.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/sign-in", "/docs", "/settings", "/nothing"])
def test_pages_load_only_what_is_ours(alice: httpx.Client, path: str) -> None:
    page = alice.get(path, headers={"Accept": "text/html"}).text
    assert page.startswith("<!doctype html>")
    assert not re.findall(r'(?:src|href|action)="(?!/|#)', page)
    assert not re.search(r"<script(?! src=)|<style|\son\w+=|\sstyle=", page)
    for link in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page):
        style = alice.get(link)
        assert style.headers["content-type"].startswith("text/css")
        assert "immutable" in style.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["../base.html", "..%2fbase.html", "%2e%2e/__init__.py", "none.css", ""]
)
def test_only_static_files_are_served(nobody: httpx.Client, path: str) -> None:
    assert nobody.get(f"/static/{path}").status_code == 404


def test_the_docs_list_the_api(nobody: httpx.Client) -> None:
    page = nobody.get("/docs").text
    schema = nobody.get("/docs/openapi.json").json()
    assert "/api/keys" in schema["paths"]
    for path in schema["paths"]:
        assert path in page

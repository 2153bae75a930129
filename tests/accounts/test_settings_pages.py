"""What the settings' pages show, and to whom; the browser's tests use them."""

from collections.abc import Callable

import httpx
import pytest

from airuns.server.accounts.rules import browser_name
from tests.accounts.browsing import page_token, sign_in
from tests.serving import Served

PART = {"HX-Request": "true"}


def test_a_name_is_changed_at_once(bob: httpx.Client) -> None:
    changed = bob.patch("/api/me", json={"display_name": " Bob the Builder "})
    assert changed.json()["display_name"] == "Bob the Builder"
    assert bob.get("/api/me").json()["display_name"] == "Bob the Builder"
    refused = bob.patch("/api/me", json={"display_name": " "})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "display_name")
    bob.patch("/api/me", json={"display_name": "Bob"})


def test_all_other_browsers_are_signed_out(server: Served, new_user: Callable[[], str]) -> None:
    name = new_user()
    with server.client() as here, server.client() as there:
        sign_in(here, name)
        sign_in(there, name)
        assert here.delete("/api/sessions", headers=page_token(here)).status_code == 204
        assert there.get("/api/me").status_code == 401
        assert here.get("/api/me").status_code == 200


def test_keys_are_listed_by_page_and_never_in_full(
    charlie: httpx.Client, bob: httpx.Client
) -> None:
    made = [charlie.post("/api/keys", json={"name": f"page {n}"}).json() for n in range(52)]
    first = charlie.get("/settings/keys").text
    assert made[-1]["prefix"] in first
    assert made[-1]["key"] not in first
    assert "page 1<" not in first
    link = httpx.URL(first.partition('href="/settings/keys?cursor=')[2].partition('"')[0])
    assert "page 1<" in charlie.get("/settings/keys", params={"cursor": str(link)}).text
    assert made[-1]["prefix"] not in bob.get("/settings/keys").text
    for key in made:
        charlie.delete(f"/api/keys/{key['id']}")
    assert "Revoked" in charlie.get("/settings/keys").text


def test_a_part_is_the_list_that_the_page_has(alice: httpx.Client) -> None:
    for path in ("/settings", "/settings/keys", "/settings/users"):
        part = alice.get(path, headers=PART).text
        assert "<html" not in part
        assert part.strip()[:80] in alice.get(path).text


def test_only_the_owner_sees_users(alice: httpx.Client, bob: httpx.Client) -> None:
    assert "/settings/users" in alice.get("/settings").text
    assert "/settings/users" not in bob.get("/settings").text
    assert "charlie" in alice.get("/settings/users").text
    refused = bob.get("/settings/users", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert "Only the owner" in refused.text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("python-httpx/0.28", "A program"),
        ("", "A program"),
    ],
)
def test_browsers_have_the_names_that_people_use(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name

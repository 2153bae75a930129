"""The page after a one-time link: a name and a password of one's own, or neither yet."""

from collections.abc import Callable
from itertools import count

import httpx
import pytest

from tests.accounts.browsing import PASSWORD, form_token, sign_in, submit
from tests.serving import Served

NUMBERS = count(1)


@pytest.fixture
def invited(browser: httpx.Client, alice: httpx.Client) -> str:
    """Somebody who has just used their link in `browser`; the user name."""
    name = f"guest{next(NUMBERS)}"
    link = alice.post("/api/users", json={"username": name}).json()["sign_in_link"]
    assert submit(browser, httpx.URL(link).path).headers["location"] == "/welcome"
    return name


def test_a_name_and_a_password_are_kept(
    browser: httpx.Client, invited: str, server: Served
) -> None:
    done = submit(browser, "/welcome", display_name=" Ines Moreau ", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/ai/runs")
    assert browser.get("/api/me").json()["display_name"] == "Ines Moreau"
    with server.client() as elsewhere:
        assert sign_in(elsewhere, invited).status_code == 303


def test_it_may_be_left_for_later(browser: httpx.Client, invited: str) -> None:
    assert 'href="/ai/runs">Later<' in browser.get("/welcome").text
    done = submit(browser, "/welcome", display_name="", password="")
    assert done.headers["location"] == "/ai/runs"
    assert browser.get("/api/me").json()["display_name"] == invited


@pytest.mark.usefixtures("invited")
def test_what_does_not_fit_is_said_beside_its_field(browser: httpx.Client) -> None:
    refused = submit(browser, "/welcome", display_name="Ines\tM", password="short")
    assert refused.status_code == 422
    assert "display_name must have 1 to 100 printable characters." in refused.text
    assert "password must have 10 to 1000 characters." in refused.text
    assert "short" not in refused.text
    assert browser.get("/api/me").json()["display_name"] != "Ines\tM"


def test_it_never_replaces_a_password(
    browser: httpx.Client, new_user: Callable[[], str], server: Served
) -> None:
    name = new_user()
    sign_in(browser, name)
    assert browser.get("/welcome").headers["location"] == "/ai/runs"
    form = {"csrf_token": form_token(browser.get("/settings").text), "password": "another one!"}
    assert browser.post("/welcome", data=form).headers["location"] == "/settings"
    with server.client() as elsewhere:
        assert sign_in(elsewhere, name).status_code == 303


@pytest.mark.usefixtures("invited")
def test_another_site_sets_no_password(browser: httpx.Client) -> None:
    assert browser.post("/welcome", data={"password": PASSWORD}).status_code == 403

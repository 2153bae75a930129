"""Decisions about names, addresses and origins."""

import pytest

from airuns.errors import Forbidden, InvalidInput
from airuns.server.accounts import rules

URL = "http://localhost:8010"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_attempts_are_counted_by_network(address: str, counted: str) -> None:
    assert rules.network(address) == counted


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/ai/runs?a=b#c", "/ai/runs?a=b#c"),
        (None, "/"),
        ("", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/a\\b", "/"),
        ("/\t/evil.test", "/"),
        ("/\n/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("https://evil.test/", "/"),
    ],
)
def test_only_local_paths_are_gone_to(wanted: str | None, path: str) -> None:
    assert rules.local_path(wanted) == path


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8010"},
        {"host": "localhost:8010", "origin": URL, "sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1:8010", "origin": "http://127.0.0.1:8010"},
        {"host": "inside:1", "origin": URL, "sec-fetch-site": "none"},
    ],
)
def test_our_own_pages_may_send(headers: dict[str, str]) -> None:
    rules.check_same_site(headers, URL)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8010", "origin": "https://evil.test"},
        {"host": "localhost:8010", "origin": "http://localhost:9999"},
        {"host": "localhost:8010", "origin": "null"},
        {"host": "localhost:8010", "sec-fetch-site": "cross-site"},
        {"host": "localhost:8010", "sec-fetch-site": "same-site"},
    ],
)
def test_pages_of_others_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        rules.check_same_site(headers, URL)


def test_a_form_token_belongs_to_one_cookie() -> None:
    rules.check_form_token(rules.form_token("one"), "one")
    for given in (None, "", rules.form_token("two"), "\u00e4"):
        with pytest.raises(Forbidden):
            rules.check_form_token(given, "one")


@pytest.mark.parametrize("name", ["", "a b", ".a", "a" * 101, "ünï", "a\nb"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rules.check_username(name)
    assert refused.value.field == "username"


def test_names_are_kept_in_lower_case() -> None:
    assert rules.check_username(" Ada.Lovelace@Example ") == "ada.lovelace@example"

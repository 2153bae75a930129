"""Decisions about tokens, names, addresses and origins, without any I/O."""

import base64
import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlsplit

from airuns.errors import Forbidden, InvalidInput

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
# In this order, because most browsers also name those that they want to be taken for.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "Chromium": "Chromium",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def new_token() -> str:
    """Return 256 random bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """Return a new API key."""
    return f"air_{new_token()}"


def digest(token: str) -> bytes:
    """Return what is stored of a token or key. Its 256 random bits need no slow hash."""
    return sha256(token.encode()).digest()


def form_token(cookie: str) -> str:
    """Return what a form must carry beside a cookie; only a page of ours could read it."""
    mac = hmac.digest(cookie.encode(), b"airuns form", "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def check_same_site(headers: Mapping[str, str], url: str) -> None:
    """Raise Forbidden when a browser says that the request comes from another site than ours."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("The request comes from a page of another site.")
    origin = urlsplit(headers.get("origin", url)).netloc
    if origin not in (headers.get("host"), urlsplit(url).netloc):
        raise Forbidden(
            "The request comes from a page of another site. If AI Runs is reached through a proxy, "
            "set AIRUNS_PUBLIC_URL to the address that browsers use."
        )


def check_form_token(given: str | None, cookie: str) -> None:
    """Raise Forbidden unless `given` is the form token of `cookie`."""
    if not given or not hmac.compare_digest(given.encode(), form_token(cookie).encode()):
        raise Forbidden(
            "The request lacks the token of its page: reload the page and try again. "
            "Programs use an API key, which needs no such token."
        )


def local_path(text: str | None) -> str:
    """Return `text` when it is a path of this server, or '/': nobody is sent to another site."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text if text.isprintable() and "\\" not in text else "/"


def network(address: str) -> str:
    """Return what attempts are counted by: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def check_username(username: str) -> str:
    """Return a user name as it is stored. Raises InvalidInput when it cannot be one."""
    name = username.strip().lower()
    if not _USERNAME.fullmatch(name):
        raise InvalidInput(
            "username must be 1 to 100 letters a-z, digits or any of . _ @ + - and begin with a "
            "letter or digit.",
            field="username",
        )
    return name


def check_password(password: str, field: str) -> str:
    """Return a new password. Raises InvalidInput when it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(
            f"{field} must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", field=field
        )
    return password


def check_label(text: str, field: str) -> str:
    """Return a name for people. Raises InvalidInput unless it has 1 to 100 characters."""
    label = text.strip()
    if not 1 <= len(label) <= 100 or not label.isprintable():
        raise InvalidInput(f"{field} must have 1 to 100 printable characters.", field=field)
    return label


def browser_name(user_agent: str) -> str:
    """Return what people call a browser and its system, as Firefox on Linux."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "A program"

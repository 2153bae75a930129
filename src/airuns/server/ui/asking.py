"""What a page is asked for by its address: read into a struct, and said back as chips."""

from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request

from airuns.errors import InvalidInput
from airuns.server import ui
from airuns.server.text import check_text
from airuns.server.ui import formats

T = TypeVar("T", bound=msgspec.Struct)

LONGEST = 300


class Chip(msgspec.Struct, frozen=True):
    """A filter that is set: the field that edits it, what it says, and the address without it."""

    field: str
    key: str
    value: str
    without: str


def zone_of(request: Request[Any, Any, Any]) -> ZoneInfo:
    """Return the reader's time zone, as js/theme.js has told it."""
    return formats.zone(request.cookies.get(ui.ZONE_COOKIE, "UTC"))


def read(request: Request[Any, Any, Any], kind: type[T], days: set[str], **more: Any) -> T:
    """Return the parameters of an address that a struct has, `more` among them.

    What is empty counts as not given. `days` are those that are days. Raises InvalidInput.
    """
    given = {
        name: value.strip()
        for name, value in request.query_params.items()
        if name in kind.__struct_fields__ and isinstance(value, str) and value.strip()
    }
    check_text(given)
    for name, value in given.items():
        if len(value) > LONGEST:
            raise InvalidInput(f"{name} has at most {LONGEST} characters.", field=name)
    for name in days & given.keys():
        _check_day(name, given[name])
    try:
        return msgspec.convert(given | more, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        field = path.strip("`") or "filter"
        raise InvalidInput(f"{field}: {message}", field=field) from None


def _check_day(name: str, value: str) -> None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"{name} is a day, as 2026-11-21.", field=name) from None
    if not 1970 <= day.year <= 2999:
        raise InvalidInput(f"{name} is a day of the years 1970 to 2999.", field=name)

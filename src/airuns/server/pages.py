"""Pages of lists: a page is asked for by the key of the last item before it, never by an offset."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from airuns.errors import InvalidInput
from airuns.server import money
from airuns.server.text import check_text

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T]):
    """A page of a list. `next_cursor` asks for the following one; it is null at the end."""

    items: list[T]
    next_cursor: str | None


def page_of(rows: list[T], limit: int, key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """Return a page of `limit` items; of `rows` one more was asked for, to see whether more follow.

    `key` gives an item's sort key, which the cursor of the next page is made of.
    """
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items, encode_cursor(*key(items[-1])) if more else None)


def encode_cursor(*key: Any) -> str:
    """Make an opaque cursor of the sort key of a page's last item."""
    return base64.urlsafe_b64encode(money.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str, kind: type[T]) -> T:
    """Read a cursor as the tuple type `kind`.

    Raises InvalidInput when it did not come from the same list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=kind)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise InvalidInput(
            "cursor must be the next_cursor of an earlier page of the same list.", field="cursor"
        ) from None
    for part in cast("tuple[Any, ...]", key):
        check_text(part, "cursor")
    return key


def page_size(limit: int | None, default: int, largest: int) -> int:
    """Return how many items a page has.

    Raises InvalidInput when `limit` is not between 1 and `largest`.
    """
    if limit is None:
        return default
    if not 1 <= limit <= largest:
        raise InvalidInput(f"limit must be between 1 and {largest}, not {limit}.", field="limit")
    return limit

"""Ids of rows: UUID version 7 (RFC 9562), made by the application and sorted by time."""

from uuid import UUID

import uuid_utils.compat

from airuns.errors import InvalidInput


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid_utils.compat.uuid7()


def parse_id(text: str, field: str) -> UUID:
    """Read a UUID that a caller sent.

    Raises InvalidInput, naming `field`, when the text is not a UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            f"{field} must be a UUID such as {new_id()}, not {text[:60]!r}.", field=field
        ) from None

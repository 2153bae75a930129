"""Texts that callers send, checked before PostgreSQL sees them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from airuns.errors import InvalidInput

SHOWN = 60


def check_text(value: Any, field: str = "") -> None:
    """Refuse texts that PostgreSQL cannot store, at any depth of what a caller sent.

    `value` is a struct, or made of lists, mappings, texts and numbers; `field` is its path, empty
    for a whole body. Raises InvalidInput naming the field whose text has a NUL character.
    """
    match value:
        case str() if "\0" in value:
            raise InvalidInput(
                f"{field or 'The body'} has a NUL character (\\u0000), which cannot be stored.",
                field=field or "body",
            )
        case msgspec.Struct():
            check_text(msgspec.structs.asdict(value), field)
        case Mapping():
            for key, item in cast("Mapping[str, Any]", value).items():
                check_text(key, field)
                check_text(item, f"{field}.{key[:SHOWN]}".lstrip("."))
        case Sequence() if not isinstance(value, str | bytes):
            for position, item in enumerate(cast("Sequence[Any]", value)):
                check_text(item, f"{field}[{position}]")
        case _:
            pass

"""Events whose texts PostgreSQL can store: it takes all but NUL, which takes U+FFFD's place."""

from typing import Any, cast

import msgspec

from airuns.events import TaskEvent
from airuns.server.models.texts import clean

_encoder = msgspec.json.Encoder()


def storable(event: TaskEvent) -> TaskEvent:
    """Return an event with texts that can be stored: mostly the same one."""
    if b"\\u0000" not in _encoder.encode(event):
        return event
    return msgspec.convert(_cleaned(msgspec.to_builtins(event)), TaskEvent)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {clean(name): _cleaned(each) for name, each in pairs}
    if isinstance(value, list):
        return [_cleaned(each) for each in cast("list[Any]", value)]
    return value

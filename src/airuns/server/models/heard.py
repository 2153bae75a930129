"""What the readers of the wire protocols have in common."""

import json
from typing import Any, TypeVar, cast

import msgspec

from airuns.server.models.call import MAX_NAME, Usage
from airuns.server.models.texts import clean
from airuns.server.models.usage import Counts

Fields = dict[str, Any]
T = TypeVar("T")
C = TypeVar("C", bound=Counts)

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class Heard:
    """What has been read of an answer so far; `error` is as the provider told it."""

    def __init__(self) -> None:
        self.message: Fields | None = None
        self.text = ""
        self.reasoning = ""
        self.tool_calls: list[Fields] = []
        self.finish_reason: str | None = None
        self.info: Fields = {}
        self.usage: Usage | None = None
        self.data: Fields = {}
        self.error: Any = None
        self.broken: str | None = None
        self.complete = False

    def note(self, told: Fields, *names: str) -> None:
        """Keep what the provider says of the answer, where it is a text."""
        for name in names:
            value = told.get(name)
            if isinstance(value, str):
                self.info[name] = value[:MAX_NAME]

    def finished(self, reason: Any) -> None:
        """Take why the answer ended, in the provider's word."""
        if isinstance(reason, str) and reason:
            self.finish_reason = clean(reason, MAX_NAME)
            self.complete = True


def fields(value: Any) -> Fields:
    """Return a value if it is an object, else an empty one."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def document(data: bytes) -> Any:
    """Return a JSON document, or None when it cannot be read.

    msgspec refuses lone surrogates, which come of a text that was cut; Python's reader takes them.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return json.loads(data.decode(errors="replace"))
        except (ValueError, RecursionError):
            return None


def to_json(value: Any) -> str:
    """Return a value of JSON as JSON."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


def sse_data(body: bytes) -> list[bytes]:
    """Return the data of each server-sent event of a whole body; the last one may be cut off."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found: list[bytes] = []
    for event in body.split(b"\n\n"):
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
            continue
        lines = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join([line.removeprefix(b" ") for line in lines]))
    return found


def counts(kind: type[C], told: Any) -> C | None:
    """Return the counts that a provider tells, those that are numbers; None: it told none."""
    if not isinstance(told, dict) or not told:
        return None
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError:
        return msgspec.convert(_numbers(cast("Fields", told)), kind)


def _numbers(told: Fields) -> Fields:
    kept: Fields = {}
    for name, value in told.items():
        if isinstance(value, dict):
            kept[name] = _numbers(cast("Fields", value))
        elif isinstance(value, int | float) and value == value // 1 and abs(value) < 2**60:
            kept[name] = int(value)
    return kept


def storable(value: T) -> T:
    """Return a value of JSON whose texts PostgreSQL can store: mostly the same one."""
    try:
        if b"\\u0000" not in _encoder.encode(value):
            return value
    except (UnicodeEncodeError, RecursionError):
        pass
    return _cleaned(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        told = cast("dict[Any, Any]", value)
        return {_cleaned(name): _cleaned(each) for name, each in told.items()}
    if isinstance(value, list | tuple):
        kind = cast("Any", type(cast("Any", value)))
        return kind([_cleaned(each) for each in cast("list[Any]", value)])
    return value

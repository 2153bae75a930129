"""Finds the objects of a JSON file without holding more than one of them.

The file is a list of objects, one object, or objects one after the other (JSON Lines).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import msgspec

from airuns.errors import Malformed, TooLarge
from airuns.server.exports.foreign.talks import Fields, Unreadable

CHUNK = 1024 * 1024

Read = Callable[[int], bytes]

_bracket = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+([{}\[\]])', re.DOTALL)
_first_line = re.compile(rb"\s*(\{[^\n]*\})[ \t\r]*(?:\n|\Z)")


class Item(msgspec.Struct, frozen=True):
    """An object as it is in the file, and which it is, from 1."""

    number: int
    content: bytes

    def fields(self) -> Fields:
        """Return the object. Raises Unreadable."""
        try:
            value: Any = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = self._leniently()
        if not isinstance(value, dict):
            raise Unreadable("It is no object.")
        return cast("Fields", value)

    def _leniently(self) -> Any:
        """Read what is not quite JSON: half of a surrogate pair, NaN, bytes that are no UTF-8."""
        try:
            return json.loads(self.content.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"It is no JSON: {error}"[:300]) from None


def items(read: Read, longest: int) -> Iterator[Item]:
    """Yield the objects of a file, which `read` reads.

    An object of a line of its own that cannot be read is yielded, too; else the rest is lost.
    Raises Malformed for what is cut off, and TooLarge for an object of more than `longest` bytes.
    """
    head = read(CHUNK).removeprefix(b"\xef\xbb\xbf")
    while b"\n" not in head and head.lstrip()[:1] == b"{" and (more := read(CHUNK)):
        head += more
        _check_length(len(head), longest + CHUNK)
    first = _first_line.match(head)
    chunks = _chunks(head, read)
    if first and _is_json(first[1]):
        yield from _lines(chunks, longest)
    else:
        yield from _nested(chunks, longest)


def _chunks(head: bytes, read: Read) -> Iterator[bytes]:
    yield head
    while chunk := read(CHUNK):
        yield chunk


def _is_json(line: bytes) -> bool:
    try:
        Item(1, line).fields()
    except Unreadable:
        return False
    return True


def _check_length(size: int, longest: int) -> None:
    if size > longest:
        raise TooLarge(
            f"A conversation in it has more than {longest} bytes, the most that is read."
        )


def _lines(chunks: Iterable[bytes], longest: int) -> Iterator[Item]:
    number = 0
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            if line.strip():
                yield Item(number, line)
        _check_length(len(rest), longest)
    if rest.strip():
        yield Item(number + 1, rest)


def _nested(chunks: Iterable[bytes], longest: int) -> Iterator[Item]:
    buffer = bytearray()
    number = depth = at = 0
    start: int | None = None
    base = 0  # of objects; 1 in a list
    for chunk in chunks:
        buffer += chunk
        while found := _bracket.match(buffer, at):
            at = found.end()
            if found[1] in b"{[":
                if depth == 0 and found[1] == b"[":
                    base = 1
                if depth == base and found[1] == b"{":
                    start = at - 1
                depth += 1
            else:
                depth -= 1
                if depth < 0:
                    raise Malformed("A bracket closes that has not been opened.")
                if depth == base and start is not None:
                    number += 1
                    yield Item(number, bytes(buffer[start:at]))
                    start = None
        keep = at if start is None else start
        del buffer[:keep]
        at -= keep
        start = None if start is None else 0
        _check_length(len(buffer), longest)
    if depth:
        raise Malformed("It was cut off.")
    if number == 0 and buffer.strip():
        raise Malformed("It is no JSON.")

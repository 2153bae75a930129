"""Splits an archive into its records without holding more than one of them.

A JSON parser that hands out values would decode numbers and lose how they were written; this one
only finds where each record begins and ends, whatever the layout of the file, and leaves its bytes
as they are.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, Any, cast

import msgspec

from airuns.errors import Malformed, TooLarge
from airuns.server.exports.archive import VERSION

CHUNK = 256 * 1024
HEAD_BYTES = 100_000

_in_text = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_mark = re.compile(rb'["{}\[\]]')


def records(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Yield the records of an archive.

    Raises Malformed for what is no archive, or was cut off; TooLarge for a record of more than
    `longest` bytes.
    """
    scanner = _Scanner(longest)
    for chunk in chunks:
        yield from scanner.feed(chunk)
    scanner.end()


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in pieces."""
    return iter(partial(file.read, CHUNK), b"")


class _Scanner:
    """Follows the nesting of JSON: at depth 1 the head, at depth 2 the list, at depth 3 records."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._at = 0
        self._depth = 0
        self._in_text = False
        self._listing = False
        self._head: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take a further piece of the file; yield the records that it ends."""
        self._buffer += chunk
        while self._step():
            if (
                self._listing
                and self._depth == 2
                and self._at
                and self._buffer[self._at - 1] in b"}"
            ):
                start = self._buffer.find(b"{")
                record = bytes(self._buffer[start : self._at])
                self._drop()
                yield record
        most = self._longest if self._listing else HEAD_BYTES
        if len(self._buffer) > most:
            raise TooLarge(
                f"A record of the archive has more than {most} bytes."
                if self._listing
                else "The file is no archive of AI Runs: its list of records does not begin."
            )

    def _step(self) -> bool:
        """Go on to the next mark; False when more bytes are needed to tell."""
        if self._in_text:
            self._at = cast("re.Match[bytes]", _in_text.match(self._buffer, self._at)).end()
            if self._at >= len(self._buffer) or self._buffer[self._at] != ord('"'):
                return False
            self._in_text = False
            self._at += 1
            return True
        found = _mark.search(self._buffer, self._at)
        if found is None:
            self._at = len(self._buffer)
            return False
        self._at = found.end()
        match found[0]:
            case b'"':
                self._in_text = True
            case b"{" | b"[":
                self._depth += 1
                if found[0] == b"[" and self._depth == 2 and not self._head:
                    self._read_head()
            case _:
                self._depth -= 1
                if self._listing and self._depth == 1:
                    self._listing = False
                    self._drop()
        return True

    def _read_head(self) -> None:
        """Read what comes before the list of records."""
        try:
            head: Any = msgspec.json.decode(bytes(self._buffer[: self._at]) + b"]}")
        except msgspec.DecodeError:
            raise Malformed("The file is no archive of AI Runs.") from None
        if not isinstance(head, dict) or list(cast("dict[str, Any]", head))[-1:] != ["records"]:
            raise Malformed("The file is no archive of AI Runs.")
        self._head = cast("dict[str, Any]", head)
        version = self._head.get("airuns")
        if version != VERSION:
            raise Malformed(
                f"The archive has the version {version!r}; this release reads {VERSION}."
            )
        self._listing = True
        self._drop()

    def _drop(self) -> None:
        del self._buffer[: self._at]
        self._at = 0

    def end(self) -> None:
        """Take note that the file has ended. Raises Malformed when it was cut off."""
        try:
            closing: Any = msgspec.json.decode(b'{"records":[]' + bytes(self._buffer))
        except msgspec.DecodeError:
            closing = {"complete": False}
        if not self._head or {**self._head, **closing}.get("complete") is not True:
            raise Malformed(
                "The archive is not complete: it was cut off. What came before that was imported."
                if self._head
                else "The file is no archive of AI Runs."
            )

"""Server-sent events, read as their bytes come in.

The format is WHATWG HTML, "Server-sent events", 9.2.6. Differences: `id` and `retry` are of no use
here and ignored, and a line that ends with a bare CR is seen once something follows it.
"""

import msgspec

from airuns.server.models.call import ProviderError

MAX_EVENT_BYTES = 64 * 1024 * 1024


class Event(msgspec.Struct, frozen=True):
    """One event: its name (`message` when the stream gives none) and its data as UTF-8 bytes."""

    name: str
    data: bytes


class Reader:
    """Turns chunks of bytes, cut anywhere, into events.

    Raises ProviderError when one event is larger than MAX_EVENT_BYTES.
    """

    def __init__(self) -> None:
        self._started = False
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._name = b""
        self._data: list[bytes] = []
        self._data_size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes."""
        if b"\n" not in chunk and b"\r" not in chunk:
            self._keep(chunk)
            return []
        lines = b"".join((*self._rest, chunk)).splitlines(keepends=True)
        self._rest.clear()
        self._rest_size = 0
        if not lines[-1].endswith(b"\n"):
            self._keep(lines.pop())
        return self._read(lines)

    def end(self) -> list[Event]:
        """Return what a stream without a final blank line leaves; a browser would discard it."""
        lines = b"".join(self._rest).splitlines()
        self._rest.clear()
        return self._read([*lines, b""])

    def _keep(self, part: bytes) -> None:
        self._rest.append(part)
        self._rest_size += len(part)
        self._check_size()

    def _read(self, lines: list[bytes]) -> list[Event]:
        if lines and not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        events: list[Event] = []
        for line in lines:
            stripped = line.rstrip(b"\r\n")
            if not stripped:
                self._dispatch(events)
            else:
                self._field(stripped)
        return events

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            name = self._name.decode(errors="replace") or "message"
            events.append(Event(name, b"\n".join(self._data)))
            self._data.clear()
            self._data_size = 0
        self._name = b""

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_size += len(value)
            self._check_size()
        elif field == b"event":
            self._name = value

    def _check_size(self) -> None:
        if self._rest_size + self._data_size > MAX_EVENT_BYTES:
            raise ProviderError(
                f"The provider sent an event of more than {MAX_EVENT_BYTES // 1024**2} MB.",
                kind="protocol",
            )

"""Calls on disk, until the database has them: written before a client sees what is in them.

A process has a folder of its own with files of at most 16 MB, to which frames are added: the begin
of a call with its request, the pieces of its answer, its end. A write that has returned is in the
kernel, so that kill -9 cannot undo it. A file goes when all calls that begin in it are stored.
"""

import fcntl
import os
import shutil
import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from airuns.server.gateway.records import Begun, Ended, Record

SEGMENT_BYTES = 16 * 1024 * 1024
FOLDER = "spool"

_head = struct.Struct("<IcQ")
_begun = msgspec.msgpack.Decoder(Begun)
_ended = msgspec.msgpack.Decoder(Ended)
Kind = Literal[b"B", b"P", b"E"]


class Spool:
    """The spool of this process. Segments are numbered from 1."""

    def __init__(self, data_dir: Path, process_id: UUID) -> None:
        self._folder = data_dir / FOLDER / str(process_id)
        made = self._folder.with_name(f".{process_id}")  # nobody looks there before it is locked
        made.mkdir(mode=0o700, parents=True)
        self._lock = _lock(made)
        made.rename(self._folder)
        self._open: dict[int, int] = {}  # how many calls of each segment are not stored
        self._sizes: dict[int, int] = {}
        self._file = -1
        self._last = 0
        self.failures = 0
        self.roll()

    @property
    def segment(self) -> int:
        """The segment that is written to."""
        return self._last

    @property
    def size(self) -> int:
        """How much of the disk it takes."""
        return sum(self._sizes.values())

    def roll(self) -> int:
        """Begin a new segment and return its number."""
        if self._file >= 0:
            os.close(self._file)
        self._last += 1
        self._open[self._last] = self._sizes[self._last] = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._path(self._last), flags, 0o600)
        self._drop()
        return self._last

    def begin(self, number: int, payload: bytes) -> int:
        """Write the begin of a call; return its segment, which stays until `stored` says so."""
        if self._sizes[self._last] > SEGMENT_BYTES:
            self.roll()
        self._open[self._last] += 1
        self.write(b"B", number, payload)
        return self._last

    def write(self, kind: Kind, number: int, payload: bytes) -> None:
        """Write a frame. When the disk takes none, `failures` counts it and the call goes on."""
        parts: list[bytes | memoryview] = [_head.pack(len(payload), kind, number), payload]
        length = _head.size + len(payload)
        try:
            written = os.writev(self._file, parts)
            if written < length:
                rest = memoryview(b"".join(parts))[written:]
                while rest:
                    rest = rest[os.write(self._file, rest) :]
        except OSError:
            self.failures += 1
            os.ftruncate(self._file, self._sizes[self._last])  # half a frame would hide the next
            return
        self._sizes[self._last] += length

    def stored(self, segment: int) -> None:
        """Note that a call that began in `segment` is in the database."""
        self._open[segment] -= 1
        if not self._open[segment]:
            self._drop()

    def read(self, until: int, ended_from: int) -> Generator[Record]:
        """Read the calls whose ends are in the segments from `ended_from` to before `until`."""
        numbers = [number for number in self._sizes if number < until]
        yield from _records([(one, self._path(one)) for one in numbers], ended_from)

    def close(self) -> None:
        """Remove the folder when all is stored; else it stays for the next process."""
        os.close(self._file)
        if self._lock is not None:
            os.close(self._lock)
        if not any(self._open.values()):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self) -> None:
        """Remove the oldest segments as long as they are stored: a later one may hold an end."""
        for number in list(self._open):
            if number == self._last or self._open[number]:
                return
            self._path(number).unlink(missing_ok=True)
            del self._open[number], self._sizes[number]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}"


def left_behind(data_dir: Path) -> list[tuple[Path, int]]:
    """Take over the folders of dead processes: return each with its lock, to be closed."""
    found: list[tuple[Path, int]] = []
    for folder in sorted((data_dir / FOLDER).glob("[0-9a-f]*-*")):
        try:
            lock = _lock(folder)
        except FileNotFoundError:  # its process has just closed it
            continue
        if lock is not None:
            found.append((folder, lock))
    return found


def read_folder(folder: Path) -> Iterator[Record]:
    """Read what a dead process left, at last the calls that it had not ended."""
    paths = sorted(folder.glob("[0-9]*"))
    yield from _records([(int(path.name), path) for path in paths], 0, with_open=True)


def size_of(folder: Path) -> int:
    """Return how much of the disk a folder takes, in bytes."""
    return sum(path.stat().st_size for path in folder.glob("[0-9]*"))


def _records(
    segments: list[tuple[int, Path]], ended_from: int, *, with_open: bool = False
) -> Generator[Record]:
    calls: dict[int, tuple[int, Begun, list[bytes]]] = {}
    for segment, path in segments:
        for kind, number, payload in _frames(path):
            if kind == b"B":
                calls[number] = (segment, _begun.decode(payload), [])
            elif number not in calls:  # its begin could not be written
                continue
            elif kind == b"P":
                calls[number][2].append(payload)
            else:
                began_in, begun, pieces = calls.pop(number)
                if segment >= ended_from:
                    yield Record(began_in, begun, b"".join(pieces), _ended.decode(payload))
    for began_in, begun, pieces in calls.values() if with_open else ():
        yield Record(began_in, begun, b"".join(pieces), None)


def _frames(path: Path) -> Iterator[tuple[bytes, int, bytes]]:
    """Read a segment. A frame that is cut off is where its process died, and the end."""
    with path.open("rb") as file:
        while len(head := file.read(_head.size)) == _head.size:
            length, kind, number = _head.unpack(head)
            payload = file.read(length)
            if len(payload) < length or kind not in (b"B", b"P", b"E"):
                return
            yield kind, number, payload


def _lock(folder: Path) -> int | None:
    """Take a folder's lock without waiting; None when its process lives."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file

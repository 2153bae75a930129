"""The file to which the caller's thread hands an event over, by one append.

What was written survives kill -9 of the program the moment `put` returns; only a crash of the whole
machine can lose what it had not yet put on the disk. A file is a row of frames: length, checksum,
payload. Each process writes one of its own, which it keeps locked; whoever delivers reads all.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from zlib import crc32

from airuns.client.ids import new_id

try:
    import fcntl
except (
    ImportError
):  # on Windows a file that somebody has open cannot be removed: that is a lock too
    fcntl = None

SUFFIX = ".spool"
READ_BYTES = 4 * 1024 * 1024
_head = Struct("<II")


class Spool:
    """This process's file. Thread-safe; the file comes with the first frame."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self.path: Path | None = None
        self._file = -1
        self._mutex = threading.RLock()  # a signal's handler may come to put in the midst of put

    def put(self, payload: bytes) -> None:
        """Append a frame. Raises OSError, and then nothing of it is kept."""
        frame = _head.pack(len(payload), crc32(payload)) + payload
        with self._mutex:
            if self._file < 0:
                self._open()
            written = os.write(self._file, frame)
            if written != len(frame):
                os.ftruncate(self._file, self.size)
                raise OSError("The disk took only a part of an event.")
            self.size += written

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{new_id()}{SUFFIX}"
        new = path if fcntl is None else path.with_suffix(".new")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        file = os.open(new, flags, 0o600)
        if fcntl is not None:  # nobody may find it before it is locked, and think it left
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new.rename(path)
        self._file, self.path, self.size = file, path, 0

    def remove(self, taken: int) -> bool:
        """Remove the file if no more was written to it than was taken from it; say whether."""
        with self._mutex:
            if self.path is None or self.size > taken:
                return False
            self.close()
            self.path.unlink(missing_ok=True)
            self.path, self.size = None, 0
            return True

    def close(self) -> None:
        """Let go of the file; others deliver what is in it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def frames(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Return the payloads from an offset on, a few megabytes at a time, and where the next begins.

    A frame that is only half there yet is left for later.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(READ_BYTES)
        if len(data) >= _head.size:
            missing = _head.size + _head.unpack_from(data)[0] - len(data)
            data += file.read(max(0, missing))
    payloads = list(_split(data))
    return payloads, offset + sum(map(len, payloads)) + _head.size * len(payloads)


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + _head.size <= len(data):
        length, checksum = _head.unpack_from(data, at)
        payload = data[at + _head.size : at + _head.size + length]
        if len(payload) < length or crc32(payload) != checksum:
            return
        yield payload
        at += _head.size + length


def is_left(path: Path) -> bool:
    """Say whether the process that wrote the file is gone."""
    if fcntl is None:
        return True
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


class Lock:
    """Held by the one process that delivers at the moment; gone with the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def take(self) -> bool:
        """Take the lock if nobody has it; say whether."""
        if fcntl is None:
            return True  # two may send the same then, which is stored once
        self._file = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Let others take it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

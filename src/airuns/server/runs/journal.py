"""What was shown survives the death of the process: each piece of text is here before it is sent.

A process has a folder of its own in the data folder, with one file per running task: the text so
far. A write that has returned is in the kernel, so that kill -9 cannot undo it; only the loss of
the whole machine can. The folder's lock tells whether its process lives, and dies with it.
"""

import fcntl
import os
import shutil
from pathlib import Path
from uuid import UUID

import msgspec


class Left(msgspec.Struct, frozen=True):
    """What a dead process left: the texts of its tasks by user and task."""

    process_id: UUID
    texts: dict[tuple[UUID, UUID], str]
    folder: Path


class Page:
    """The journal of one task; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(path, flags, 0o600) if path else -1

    def write(self, text: str) -> None:
        """Add a piece of text; it is safe from the death of the process when this returns."""
        rest = memoryview(text.encode())
        while rest and self._file >= 0:
            rest = rest[os.write(self._file, rest) :]

    def discard(self) -> None:
        """Remove the page, once the database has the whole text."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Keep the page for the next process. Closing twice does nothing."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


class Journal:
    """The journal of this process."""

    def __init__(self, data_dir: Path, process_id: UUID) -> None:
        self._folder = data_dir / "journal" / str(process_id)
        made = self._folder.with_name(f".{process_id}")  # nobody looks there before it is locked
        made.mkdir(mode=0o700, parents=True)
        self._lock = _lock(made)
        made.rename(self._folder)

    def page(self, user_id: UUID, task_id: UUID) -> Page:
        """Begin the page of a task."""
        return Page(self._folder / f"{user_id}.{task_id}")

    def close(self) -> None:
        """Remove the journal. Pages that are still there stay, for the next process to recover."""
        if self._lock is not None:
            os.close(self._lock)
        if len(list(self._folder.iterdir())) == 1:
            shutil.rmtree(self._folder)


def left_behind(data_dir: Path) -> tuple[list[Left], list[UUID]]:
    """Read what dead processes left in the data folder; also return which processes live."""
    left: list[Left] = []
    alive: list[UUID] = []
    for folder in sorted((data_dir / "journal").glob("[0-9a-f]*-*")):
        try:
            if _is_dead(folder):
                left.append(_read(folder))
            else:
                alive.append(UUID(folder.name))
        except FileNotFoundError:  # its process has just closed it
            continue
    return left, alive


def read_page(data_dir: Path, process_id: UUID, user_id: UUID, task_id: UUID) -> str:
    """Return what the page of a task has, empty when there is none."""
    path = data_dir / "journal" / str(process_id) / f"{user_id}.{task_id}"
    return path.read_bytes().decode(errors="ignore") if path.exists() else ""


def forget(left: Left) -> None:
    """Remove what a dead process left, once the database has it."""
    shutil.rmtree(left.folder, ignore_errors=True)


def _read(folder: Path) -> Left:
    texts: dict[tuple[UUID, UUID], str] = {}
    for path in folder.glob("*.*"):
        user_id, task_id = path.name.split(".")
        # A piece cut by the end of the disk may end in half a character.
        texts[UUID(user_id), UUID(task_id)] = path.read_bytes().decode(errors="ignore")
    return Left(UUID(folder.name), texts, folder)


def _is_dead(folder: Path) -> bool:
    lock = _lock(folder)
    if lock is None:
        return False
    os.close(lock)
    return True


def _lock(folder: Path) -> int | None:
    """Take a folder's lock without waiting; None when its process lives."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file

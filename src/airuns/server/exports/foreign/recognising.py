"""Tells by its content what a file is, and reads the conversations in it."""

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote

import msgspec

from airuns.errors import Malformed, TooLarge
from airuns.server.exports.foreign import chatgpt, claude, llm_logs, llm_threads, sharegpt, tuning
from airuns.server.exports.foreign.items import Item, Read, items
from airuns.server.exports.foreign.talks import Fields, Talk, Unreadable, text
from airuns.server.exports.foreign.zipped import TooMuch, Zip

UNKNOWN = (
    "The file is nothing that can be imported. What can be: an archive of AI Runs (json), "
    "ChatGPT's export (the zip, or a conversations.json of it), Claude's export (the zip, or its "
    "conversations.json), ShareGPT (json or jsonl), OpenAI's fine-tuning files (jsonl), and "
    "the logs.db of llm."
)
HEAD = 100_000
MOST_PENDING = 1000
KINDS = {"projects": "project", "users": "user", "memories": "memory"}


class Limits(msgspec.Struct, frozen=True):
    """Bytes: of a file that is taken along, of a conversation as it is written, of a file."""

    attachment: int
    record: int
    total: int


class Told(msgspec.Struct, frozen=True):
    """A conversation that was read, and where."""

    talk: Talk
    place: str


class Lost(msgspec.Struct, frozen=True):
    """What could not be read: where it is, what it is called, and why."""

    place: str
    title: str
    reason: str


class LeftOut(msgspec.Struct, frozen=True):
    """What is in the file beside conversations."""

    kind: str
    count: int


Found = Told | Lost | LeftOut
TalkOf = Callable[[Fields], Talk]


def is_archive(path: Path) -> bool:
    """Say whether a file says that it is an archive of AI Runs."""
    with path.open("rb") as file:
        head = file.read(HEAD).lstrip()
    return head.startswith(b"{") and b'"airuns"' in head.partition(b"[")[0]


def reader_of(record: Fields, file_of: chatgpt.FileOf = chatgpt.no_files) -> TalkOf | None:
    """Return what reads a record, by what is in it, or None when it is nothing that is known."""
    if isinstance(record.get("mapping"), dict):
        return lambda record: chatgpt.talk_of(record, file_of)
    if isinstance(record.get("chat_messages"), list):
        return claude.talk_of
    if sharegpt.turns_of(record) is not None:
        return sharegpt.talk_of
    return tuning.talk_of if tuning.is_example(record) else None


class Reading:
    """Reads a file. `done` of `size` says how far it is.

    Files of conversations are read later, from any thread: it stays open until it is closed.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._open = ExitStack()
        self._problem = ""
        self.size = 1
        self.done = 0

    def close(self) -> None:
        """Close the file; nothing is read of it any more."""
        self._open.close()

    def found(self) -> Iterator[Found]:
        """Yield what is in the file. Raises Malformed when it is nothing that is known."""
        is_known = False
        for found in self._any():
            is_known = is_known or isinstance(found, Told | Lost)
            yield found
        if not is_known:
            raise Malformed(f"{UNKNOWN} {self._problem}".rstrip())

    def _any(self) -> Iterator[Found]:
        file = self._open.enter_context(self._path.open("rb"))
        head = file.read(16)
        file.seek(0)
        if head.startswith(b"SQLite format 3\0"):
            yield from self._logs()
        elif head.startswith(b"PK"):
            yield from self._zip(file)
        else:
            self.size = self._path.stat().st_size or 1
            yield from self._records(self._counting(file), "", chatgpt.no_files)

    def _counting(self, file: IO[bytes]) -> Read:
        def read(size: int) -> bytes:
            content = file.read(size)
            self.done += len(content)
            return content

        return read

    def _zip(self, file: IO[bytes]) -> Iterator[Found]:
        opened = Zip(file, self._limits.total, self._limits.attachment)
        self.size = sum(member.file_size for member in opened.texts) or 1
        for member in opened.texts:
            name = member.filename
            try:
                read = opened.opened(member, self._took)
                yield from self._records(read, name, opened.file_of)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
                yield Lost(name, "", f"It cannot be unpacked: {error}"[:300])
            except TooMuch as error:
                yield Lost(name, "", error.detail)
                return

    def _took(self, size: int) -> None:
        self.done += size

    def _records(self, read: Read, name: str, file_of: chatgpt.FileOf) -> Iterator[Found]:
        """Yield the conversations of a JSON file.

        Where there is none in it, it is something else, which is left out as a whole.
        """
        pending: list[Lost] = []
        is_known = False
        number = 0
        try:
            for item in items(read, self._limits.record):
                number = item.number
                found, is_one = self._record(item, name, file_of)
                if is_one and not is_known:
                    is_known = True
                    yield from pending
                if is_known:
                    yield found
                elif len(pending) < MOST_PENDING and isinstance(found, Lost):
                    pending.append(found)
        except TooMuch:
            raise
        except (Malformed, TooLarge) as error:
            self._problem = error.detail
            if is_known or "conversations" in name:
                said = (
                    f"{error.detail} What came before that is imported."
                    if is_known
                    else error.detail
                )
                yield Lost(name or "the file", "", said)
                is_known = True
        if not is_known and name:
            kind = KINDS.get(PurePosixPath(name).stem)
            yield LeftOut(kind or "file", number if kind else 1)

    def _record(self, item: Item, name: str, file_of: chatgpt.FileOf) -> tuple[Told | Lost, bool]:
        """Read a record; say whether it is a conversation, if one that cannot be read."""
        place = f"{name}, {item.number}" if name else str(item.number)
        title = ""
        is_one = False
        try:
            record = item.fields()
            title = self._title(record)
            talk_of = reader_of(record, file_of)
            if talk_of is None:
                raise Unreadable("It is no conversation of a form that is known.")
            is_one = True
            return Told(talk_of(record), place), True
        except Unreadable as error:
            return Lost(place, title, str(error)), is_one

    @staticmethod
    def _title(record: Fields) -> str:
        names = ("title", "name", "conversation_id", "uuid", "id")
        return next((said for name in names if (said := text(record.get(name)))), "")[:100]

    def _logs(self) -> Iterator[Found]:
        try:
            connection = self._connect()
        except sqlite3.DatabaseError as error:
            raise Malformed(f"The database cannot be read: {error}"[:300]) from None
        self._open.callback(connection.close)
        try:
            logs = llm_logs.Logs(connection)
            if logs.is_known:
                yield from self._talks_of(logs)
        except sqlite3.DatabaseError as error:
            said = f"The database cannot be read further: {error} What came before is imported."
            yield Lost("the file", "", said[:300])

    def _connect(self) -> sqlite3.Connection:
        """Open a database that nothing is written to, as it is or as it was when it was copied."""
        address = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        for more in ("", "&immutable=1"):
            connection = sqlite3.connect(address + more, uri=True, check_same_thread=False)
            try:
                connection.execute("select count(*) from sqlite_master").fetchone()
            except sqlite3.OperationalError:
                connection.close()
                continue
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, self._limits.record)
            return connection
        raise sqlite3.DatabaseError("it cannot be opened.")

    def _talks_of(self, logs: llm_logs.Logs) -> Iterator[Found]:
        self.size = (
            sum(
                logs.row(table, f"select count(*) as n from {table}").get("n", 0)  # noqa: S608
                for table in ("responses", "threads")
            )
            or 1
        )
        for key, response_ids in llm_logs.talk_keys(logs):
            yield self._logged(key, partial(llm_logs.talk_of, logs, key, response_ids))
            self.done += len(response_ids)
        for key in llm_threads.thread_keys(logs):
            yield self._logged(key, partial(llm_threads.talk_of, logs, key))
            self.done += 1

    @staticmethod
    def _logged(key: str, talk_of: Callable[[], Talk]) -> Told | Lost:
        try:
            return Told(talk_of(), key)
        except Unreadable as error:
            return Lost(key, "", str(error))

"""A zip as other products export one: its JSON files, and the files that conversations name.

Members are read as streams. What they grow to is counted while they are read, whatever their heads
say.
"""

import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO, Any

import msgspec

from airuns.errors import Malformed, TooLarge
from airuns.server.exports.foreign.talks import Named, fields, text

MOST_DIRECTORY = 64 * 1024 * 1024
"""Bytes of the list of members, which is read as a whole: some 500,000 of them."""

NAMES = "conversation_asset_file_names.json"
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_asset = re.compile(r"(file-[A-Za-z0-9]{10,}|file_[0-9a-f]{16,})")
_number = re.compile(r"(\d+)")


class TooMuch(TooLarge):
    """The zip has more in it than may be read."""


class Zip:
    """An open zip. What is read of it is at most `total` bytes."""

    def __init__(self, file: IO[bytes], total: int, most_attachment: int) -> None:
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
            raise Malformed(f"The zip cannot be read, or was cut off: {error}"[:300]) from None
        self._left = total
        self._total = total
        self._most_attachment = most_attachment
        self._counted: set[str] = set()
        members = [each for each in self._zip.infolist() if not each.is_dir()]
        members = [each for each in members if not each.filename.startswith("__MACOSX/")]
        self.texts = sorted(filter(_is_text, members), key=_place)
        self._assets = {key: each for each in members if (key := _asset_key(each.filename))}
        self._names = self._read_names()

    def opened(
        self, member: zipfile.ZipInfo, read: Callable[[int], None]
    ) -> Callable[[int], bytes]:
        """Return what reads a member; `read` hears how many bytes came. Raises TooLarge."""
        stream = self._zip.open(member)

        def take(size: int) -> bytes:
            content = stream.read(size)
            self._count(len(content))
            read(len(content))
            return content

        return take

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooMuch(
                f"The zip has more than {self._total} bytes in it, which is what "
                "AIRUNS_MAX_IMPORT allows."
            )

    def file_of(self, file_id: str) -> Named | None:
        """Find the file that a conversation names."""
        member = self._assets.get(_asset_key(file_id) or file_id)
        if member is None:
            return None
        own = PurePosixPath(member.filename).name
        said = self._names.get(own) or re.sub(r"^file[-_][A-Za-z0-9]+-", "", own)
        name = PurePosixPath(said).name or own
        return Named(name, size=member.file_size, read=lambda: self._content(member))

    def _content(self, member: zipfile.ZipInfo) -> bytes | None:
        """Return a file, or None when it is too large or cannot be read."""
        try:
            with self._zip.open(member) as stream:
                content = stream.read(self._most_attachment + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, ValueError):
            return None
        if (
            member.filename not in self._counted
        ):  # each is read twice: for its hash, and to store it
            self._counted.add(member.filename)
            self._count(len(content))
        return content if len(content) <= self._most_attachment else None

    def _read_names(self) -> dict[str, str]:
        """Return the names that files had, by the names that they have in the zip."""
        for member in self.texts:
            if PurePosixPath(member.filename).name == NAMES:
                self.texts.remove(member)
                content = self._content(member) or b""
                try:
                    told: Any = msgspec.json.decode(content)
                except msgspec.DecodeError:
                    return {}
                return {key: text(value) for key, value in fields(told).items()}
        return {}


def _is_text(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith((".json", ".jsonl", ".ndjson"))


def _place(member: zipfile.ZipInfo) -> list[tuple[int, str]]:
    """Order names so that 10 comes after 9."""
    parts = _number.split(member.filename)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _asset_key(name: str) -> str | None:
    found = _asset.search(PurePosixPath(name).name)
    return found[1] if found and not name.lower().endswith(".json") else None


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a list of members that would not fit into memory, before it is read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 70_000))
    tail = file.read()
    at, at64 = tail.rfind(_END), tail.rfind(_END64)
    if at < 0 or len(tail) < at + 22:
        raise Malformed("The zip was cut off: its end is missing.")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if directory == 0xFFFFFFFF and 0 <= at64 <= len(tail) - 48:
        (directory,) = struct.unpack_from("<Q", tail, at64 + 40)
    if directory > MOST_DIRECTORY:
        raise TooLarge("The zip has too many files in it.")
    file.seek(0)

"""Runs as PDF, set by typst in a process of its own.

One run is one PDF. Several runs, and a run that is too long for one document, are a ZIP of them:
so memory holds one document, whatever is exported. A document has at most PART_MESSAGES messages
and about PART_BYTES bytes of them.
"""

import asyncio
import logging
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.errors import AirunsError, Unavailable
from airuns.server.exports import blocks
from airuns.server.exports.keys import Key, Segment, segments
from airuns.server.exports.reading import Branches, Done, MessageRow, Piece, Reader
from airuns.server.exports.words import ROLES, Part, about, heading, name_of, parts
from airuns.server.runs.records import RunRow

PART_MESSAGES = 400
PART_BYTES = 1_000_000
MOST_PICTURE_BYTES = 40 * 1024 * 1024
SECONDS = 180.0
FONTS = ("manimgx_fonts", "manimgx_fonts_cjk")
PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

log = logging.getLogger(__name__)

_one_at_a_time = asyncio.Semaphore(1)  # each takes a core


class Document(msgspec.Struct):
    """What is set: the data of document.typ, and the pictures that it names."""

    data: dict[str, Any]
    pictures: dict[str, tuple[UUID, int]] = {}
    picture_bytes: int = 0


def parts_of(lines: Sequence[Segment]) -> list[list[Segment]]:
    """Divide a run's lines into parts, each of which is a document."""
    found: list[list[Segment]] = [[]]
    count = size = 0
    for line in lines:
        begun: list[Key] = []
        after = line.after
        for key in line.keys:
            if count and (count == PART_MESSAGES or size + key.size > PART_BYTES):
                if begun:
                    found[-1].append(Segment(begun, after))
                    after += len(begun)
                found.append([])
                begun, count, size = [], 0, 0
            begun.append(key)
            count += 1
            size += key.size
        if begun:
            found[-1].append(Segment(begun, after))
    return found


async def is_one(reader: Reader, branches: Branches) -> bool:
    """Say whether an export of one run is one document, and not a ZIP of several."""
    async for group in reader.groups():
        async for _, divided in _divided(reader, branches, group):
            return len(divided) == 1
    return False


async def one(reader: Reader, branches: Branches) -> AsyncIterator[Piece]:
    """Yield the PDF of a run that is one document."""
    async for run, number, divided in _all(reader, branches):
        yield await typeset(reader, await _document(reader, run, divided[number], number, 1))
        yield Done(run)


async def archive(reader: Reader, branches: Branches) -> AsyncIterator[Piece]:
    """Yield a ZIP with a PDF for each run, or several for a long one; say when each run is done."""
    sink = _Sink()
    place = 0
    with zipfile.ZipFile(cast("Any", sink), "w") as folder:
        async for run, number, divided in _all(reader, branches):
            place += number == 0
            of_many = f" (part {number + 1} of {len(divided)})" if len(divided) > 1 else ""
            document = await _document(reader, run, divided[number], number, len(divided))
            name = f"{place:04} {name_of(run)}{of_many}.pdf"
            folder.writestr(name, await typeset(reader, document))
            yield sink.taken()
            if number + 1 == len(divided):
                yield Done(run)
    yield sink.taken()


class _Sink:
    """What a ZIP is written to, piece by piece; it cannot be gone back in."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, content: bytes) -> int:
        self._waiting += content
        return len(content)

    def flush(self) -> None:
        """There is nothing behind it."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        content = bytes(self._waiting)
        self._waiting.clear()
        return content


async def _all(
    reader: Reader, branches: Branches
) -> AsyncIterator[tuple[RunRow, int, list[list[Segment]]]]:
    async for group in reader.groups():
        async for run, divided in _divided(reader, branches, group):
            for number in range(len(divided)):
                yield run, number, divided


async def _divided(
    reader: Reader, branches: Branches, group: list[RunRow]
) -> AsyncIterator[tuple[RunRow, list[list[Segment]]]]:
    query = "line_keys" if branches == "current" else "tree_keys"
    keys = await reader.keys(query, [run.id for run in group])
    heads = await reader.heads(group) if branches == "all" else {}
    for number, run in enumerate(group):
        mine = [key for key in keys if key.run == number]
        whole = [Segment(mine, 0)] if branches == "current" else segments(mine, heads[run.id])
        yield run, parts_of(whole)


async def _document(
    reader: Reader, run: RunRow, lines: list[Segment], number: int, of: int
) -> Document:
    """Read a part of a run into the data of a document."""
    told = f"{run.name} ({number + 1}/{of})" if of > 1 else run.name
    document = Document(
        {
            "name": told,
            "title": blocks.breakable(told),
            "dir": blocks.direction(run.name),
            "cjk": blocks.language(run.name),
            "about": [(name, blocks.breakable(value)) for name, value in about(run)],
            "footer": f"AI Runs · {run.id}",
            "messages": [],
        },
        {},
    )
    for place, line in enumerate(lines):
        if place or (line.after and number == 0):
            _add_branch(document, line)
        async for message in reader.messages(line.keys):
            await asyncio.to_thread(_add, document, message)  # long markdown takes a while
    return document


def _add_branch(document: Document, line: Segment) -> None:
    told = {"kind": "branch", "name": f"Another branch, after message {line.after}"}
    document.data["messages"].append({"role": "", "at": "", "blocks": [told]})


def _add(document: Document, message: MessageRow) -> None:
    found: list[blocks.Block] = []
    for part in parts(message):
        if part.kind == "text":
            found += blocks.blocks_of(part.text)
        elif part.kind == "code":
            found.append(blocks.code(part.text))
        else:
            found.append(_file(document, part))
    _, _, at = heading(message).partition(" · ")
    document.data["messages"].append({"role": ROLES[message.role], "at": at, "blocks": found})


def _file(document: Document, part: Part) -> blocks.Block:
    """Return a picture, or the name of what cannot be shown."""
    named = part.attachment or {}
    suffix = PICTURES.get(str(named.get("media_type")))
    size = named.get("size")
    shown = {"kind": "file", "name": blocks.breakable(part.text)}
    if suffix is None or not isinstance(size, int) or "attachment_id" not in named:
        return shown
    document.picture_bytes += size
    if document.picture_bytes > MOST_PICTURE_BYTES:
        return shown
    file = f"{named['attachment_id']}.{suffix}"
    document.pictures[file] = (UUID(str(named["attachment_id"])), size)
    return {**shown, "kind": "picture", "file": file}


async def typeset(reader: Reader, document: Document) -> bytes:
    """Return a document as PDF. Raises Unavailable when it cannot be set in time."""
    async with _one_at_a_time:
        with tempfile.TemporaryDirectory(prefix="airuns-pdf-") as folder:
            at = Path(folder)
            template = Path(__file__).with_name("document.typ").read_bytes()
            at.joinpath("document.typ").write_bytes(template)
            for name, (attachment_id, size) in document.pictures.items():
                with at.joinpath(name).open("wb") as file:
                    async for piece in reader.content(attachment_id, size):
                        file.write(piece)
            if await _set(at, document.data):
                return at.joinpath("out.pdf").read_bytes()
            # A picture that is no picture is the one thing that can be wrong with the data.
            if document.pictures and await _set(at, _without_pictures(document.data)):
                return at.joinpath("out.pdf").read_bytes()
    raise Unavailable(
        "The PDF could not be made in time; choose another format, or fewer messages."
    )


def _without_pictures(data: dict[str, Any]) -> dict[str, Any]:
    for message in data["messages"]:
        for block in message["blocks"]:
            if block["kind"] == "picture":
                block["kind"] = "file"
    return data


async def _set(folder: Path, data: dict[str, Any]) -> bool:
    folder.joinpath("data.json").write_bytes(msgspec.json.encode(data))
    program = str(Path(__file__).with_name("typeset.py"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", program, str(folder), *map(_folder_of, FONTS)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={},
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        return False
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        log.warning("typst: %s", said.decode(errors="replace")[-2000:])
    return process.returncode == 0


def _folder_of(package: str) -> str:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise AirunsError(f"The fonts of {package} are not installed.")
    return str(Path(found.origin).parent)

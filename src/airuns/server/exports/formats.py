"""The formats of exports: what each is called, and the bytes that it is made of."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Literal

import msgspec

from airuns.errors import AirunsError
from airuns.server.db.door import As, Database
from airuns.server.exports import archive, pdf, tables, tuning, words
from airuns.server.exports.reading import Branches, Done, Piece, Reader, Which

log = logging.getLogger(__name__)

FormatName = Literal["text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf"]

BLOCK = 64 * 1024
KINDS = {"tasks-csv": "tasks"}
"""What is in files that are not of runs."""


class Format(msgspec.Struct, frozen=True):
    """A format: the suffix and type of its files, and how its bytes are made.

    `ending` is what a file ends with when it could not be finished, so that none takes it for
    whole; formats that are not closed then need none.
    """

    suffix: str
    media_type: str
    write: Callable[[Reader, Branches, int], AsyncIterator[Piece]]
    ending: bytes = b""


NOT_WHOLE = "THIS EXPORT IS NOT COMPLETE: the server had to stop here."

FORMATS: dict[str, Format] = {
    "text": Format(
        ".txt",
        "text/plain",
        lambda reader, branches, _: words.text(reader, branches),
        f"\n\n{NOT_WHOLE}\n".encode(),
    ),
    "markdown": Format(
        ".md",
        "text/markdown",
        lambda reader, branches, _: words.markdown(reader, branches),
        f"\n\n**{NOT_WHOLE}**\n".encode(),
    ),
    "json": Format(
        ".json", "application/json", lambda reader, _, total: archive.json(reader, total)
    ),
    "csv": Format(
        ".csv",
        "text/csv",
        lambda reader, _branches, _total: tables.runs(reader),
        f"{NOT_WHOLE}\r\n".encode(),
    ),
    "tasks-csv": Format(
        ".csv",
        "text/csv",
        lambda reader, _branches, _total: tables.tasks(reader),
        f"{NOT_WHOLE}\r\n".encode(),
    ),
    "jsonl": Format(
        ".jsonl", "application/jsonl", lambda reader, _branches, _total: tuning.jsonl(reader)
    ),
    "pdf": Format(
        ".zip", "application/zip", lambda reader, branches, _: pdf.archive(reader, branches)
    ),
}


class Ready(msgspec.Struct, frozen=True):
    """An export that can begin: how many runs it has, and what its file is called."""

    name: FormatName
    branches: Branches
    total: int
    file_name: str
    media_type: str
    reader: Reader
    is_one_pdf: bool = False

    def write(self) -> AsyncIterator[Piece]:
        """Yield the export, and say when each run is done."""
        if self.is_one_pdf:
            return pdf.one(self.reader, self.branches)
        return FORMATS[self.name].write(self.reader, self.branches, self.total)


async def prepare(
    db: Database, who: As, which: Which, name: FormatName, branches: Branches
) -> Ready:
    """Look at what an export will be. Raises NotFound for an id that is no run's."""
    reader = Reader(db, who, which)
    total = await reader.count()
    is_one_pdf = name == "pdf" and total == 1 and await pdf.is_one(reader, branches)
    media_type = "application/pdf" if is_one_pdf else FORMATS[name].media_type
    stem = _dated("everything" if reader.is_everything else KINDS.get(name, "runs"))
    if total == 1 and not reader.is_everything:
        stem = words.clean(await reader.first_name() or "") or stem
    file_name = stem + (".pdf" if is_one_pdf else FORMATS[name].suffix)
    return Ready(name, branches, total, file_name, media_type, reader, is_one_pdf)


async def stream(ready: Ready) -> AsyncGenerator[bytes]:
    """Yield an export in blocks. When it fails it says so at its end, and breaks off."""
    async with aclosing(blocks(ready)) as pieces:
        async for piece in pieces:
            if isinstance(piece, bytes):
                yield piece


async def blocks(ready: Ready, size: int = BLOCK) -> AsyncGenerator[Piece]:
    """Yield an export in blocks of about `size` bytes, and which runs are done.

    When it fails, the last block says so where the format can, and the error is raised.
    """
    waiting = bytearray()
    try:
        async for piece in ready.write():
            if isinstance(piece, Done):
                yield piece
                continue
            waiting += piece
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    except Exception as error:
        reason = error.detail if isinstance(error, AirunsError) else "a fault of the server"
        log.warning("An export as %s was broken off: %s", ready.name, reason)
        yield bytes(waiting + FORMATS[ready.name].ending)
        raise
    if waiting:
        yield bytes(waiting)


def _dated(kind: str) -> str:
    return f"airuns-{kind}-{datetime.now(UTC):%Y-%m-%d}"

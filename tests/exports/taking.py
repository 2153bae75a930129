"""What the tests of exports share: an export as bytes, and an import of bytes."""

import tempfile
from pathlib import Path

from airuns.server.db.door import As, Database
from airuns.server.exports.bringing import import_file
from airuns.server.exports.foreign.recognising import Limits
from airuns.server.exports.formats import FormatName, prepare, stream
from airuns.server.exports.reading import Branches, Which
from airuns.server.exports.report import Report

LIMITS = Limits(attachment=10_000_000, record=10_000_000, total=100_000_000)


async def taken(
    db: Database,
    who: As,
    which: Which,
    format_: FormatName = "json",
    branches: Branches = "current",
) -> bytes:
    """Return an export."""
    ready = await prepare(db, who, which, format_, branches)
    return b"".join([piece async for piece in stream(ready)])


async def brought(db: Database, who: As, archive: bytes) -> Report:
    """Import an archive, or what another product has exported."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(archive)
        file.flush()
        return await import_file(db, who, Path(file.name), LIMITS)


def lines_of(archive: bytes) -> list[bytes]:
    """Return an archive without its first line, which says when it was made."""
    return archive.split(b"\n")[1:]

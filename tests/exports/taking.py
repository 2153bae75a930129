"""What the tests of exports share: an export as bytes, and an import of bytes."""

import io

from airuns.server.db.door import As, Database
from airuns.server.exports.formats import FormatName, prepare, stream
from airuns.server.exports.importing import Report, import_archive
from airuns.server.exports.reading import Branches, Which
from airuns.server.exports.splitting import chunks_of, records

MOST = 10_000_000


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
    """Import an archive."""
    return await import_archive(db, who, records(chunks_of(io.BytesIO(archive)), MOST), MOST)


def lines_of(archive: bytes) -> list[bytes]:
    """Return an archive without its first line, which says when it was made."""
    return archive.split(b"\n")[1:]

"""Imports a file, whatever it is: our own archive, or what another product has exported."""

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from airuns.server.db.door import As, Database
from airuns.server.exports.foreign.recognising import (
    LeftOut,
    Limits,
    Lost,
    Reading,
    Told,
    is_archive,
)
from airuns.server.exports.foreign.shaping import shaped
from airuns.server.exports.foreign.talks import Unreadable
from airuns.server.exports.foreign.zipped import TooMuch
from airuns.server.exports.growing import Arrivals, Place
from airuns.server.exports.importing import import_archive
from airuns.server.exports.report import Report
from airuns.server.exports.splitting import chunks_of, records

BATCH_RUNS = 50
BATCH_BYTES = 2 * 1024 * 1024


class Progress(msgspec.Struct, frozen=True):
    """How far an import is: the share of the file that was read, and the runs in it."""

    share: float
    runs: int


Say = Callable[[Progress], None]


def say_nothing(_: Progress) -> None:
    """Tell nobody how far it is."""


async def import_file(
    db: Database, who: As, path: Path, limits: Limits, say: Say = say_nothing
) -> Report:
    """Import a file; `say` hears how far it is.

    Raises Malformed when it is nothing that is known, or an archive that was cut off: what came
    before that is imported.
    """
    report = Report(added={}, there={}, grown={}, left_out={}, refused={}, reasons=[])
    if await asyncio.to_thread(is_archive, path):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            chunks = _followed(chunks_of(file), size, report, say)
            lines = records(chunks, limits.record)
            await import_archive(db, who, lines, limits.attachment, report)
    else:
        await _import_talks(db, who, Reading(path, limits), limits, report, say)
    return report


def _followed(chunks: Iterator[bytes], size: int, report: Report, say: Say) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        say(Progress(done / size, report.runs))


async def _import_talks(
    db: Database, who: As, reading: Reading, limits: Limits, report: Report, say: Say
) -> None:
    """Store conversations, many in a transaction; they are read in a thread meanwhile."""
    arrivals = Arrivals(db, who, report, limits.attachment)
    found = _shaped(reading, limits.attachment, datetime.now(UTC))
    ready = asyncio.create_task(asyncio.to_thread(_batch, found))
    try:
        while batch := await ready:
            ready = asyncio.create_task(asyncio.to_thread(_batch, found))
            await arrivals.take([each for each in batch if isinstance(each, Place)])
            for each in batch:
                _note(each, report)
            say(Progress(min(reading.done / reading.size, 1), report.runs))
    finally:
        await asyncio.gather(ready, return_exceptions=True)  # a thread cannot be stopped
        reading.close()


def _note(each: Place | Lost | LeftOut, report: Report) -> None:
    if isinstance(each, Lost):
        report.refuse("record", None, each.reason, each.place, each.title)
    elif isinstance(each, LeftOut):
        report.leave_out(each.kind, each.count)


def _batch(found: Iterator[Place | Lost | LeftOut]) -> list[Place | Lost | LeftOut]:
    """Return the next few; none at the end."""
    batch: list[Place | Lost | LeftOut] = []
    size = 0
    for each in found:
        batch.append(each)
        size += each.shaped.size if isinstance(each, Place) else 0
        if len(batch) >= BATCH_RUNS or size >= BATCH_BYTES:
            break
    return batch


def _shaped(reading: Reading, most: int, now: datetime) -> Iterator[Place | Lost | LeftOut]:
    """Yield conversations as records."""
    for each in reading.found():
        if not isinstance(each, Told):
            yield each
            continue
        try:
            records_of = shaped(each.talk, now, most)
        except Unreadable as error:
            yield Lost(each.place, each.talk.title, str(error))
        except TooMuch as error:
            yield Lost(each.place, each.talk.title, error.detail)
            return
        else:
            yield (
                LeftOut("empty conversation", 1)
                if records_of is None
                else Place(records_of, each.place)
            )

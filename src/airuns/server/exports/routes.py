"""/api/export and /api/exports: runs to take away; /api/import: and to bring back."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from airuns.errors import Conflict, InvalidInput, TooLarge
from airuns.server.db.door import As, Database
from airuns.server.downloads import disposition
from airuns.server.exports import formats, store
from airuns.server.exports.coming import LINES, Coming, limits_of
from airuns.server.exports.formats import FormatName, Ready
from airuns.server.exports.jobs import Exporter
from airuns.server.exports.reading import Branches, Everything, Which
from airuns.server.exports.report import Report
from airuns.server.exports.store import Export
from airuns.server.given import (
    Cursor,
    GivenDatabase,
    GivenNews,
    GivenSettings,
    GivenUser,
    Limit,
    PathId,
)
from airuns.server.pages import Page, page_size
from airuns.server.runs.api.lists import WHICH, GivenFilter, RunQuery
from airuns.server.settings import Settings

MOST_IDS_IN_ADDRESS = 100
MOST_IDS = 8000  # as many as a search finds

GivenExporter = NamedDependency[Exporter]
Ids = Annotated[
    list[UUID] | None,
    QueryParameter(description=f"These runs in place of a filter, at most {MOST_IDS_IN_ADDRESS}."),
]


class NewExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to export: the runs of `ids`, or all that `filter` matches, or `everything`.

    `filter` has the fields of GET /api/runs. `everything` is an archive (json) of all runs, also
    the archived and the deleted ones, of all prompts, providers and models with own prices, budgets
    and rules; no key is in it. `branches` is for text, markdown and pdf.
    """

    format: FormatName
    ids: Annotated[list[UUID], msgspec.Meta(max_length=MOST_IDS)] | None = None
    filter: RunQuery | None = None
    everything: bool = False
    branches: Branches = "current"


def _download(ready: Ready) -> Stream:
    return Stream(
        formats.stream(ready),
        media_type=ready.media_type,
        headers={
            "Content-Disposition": disposition(ready.file_name),
            "Airuns-Total-Runs": str(ready.total),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


@get("/api/runs/{run_id:str}/export", tags=["exports"])
async def export_run(
    run_id: PathId,
    who: GivenUser,
    db: GivenDatabase,
    format: FromQuery[FormatName] = "json",  # noqa: A002  # its name in the address
    branches: FromQuery[Branches] = "current",
) -> Stream:
    """Download a run as a file."""
    return _download(await formats.prepare(db, who, [run_id], format, branches))


@get("/api/export", tags=["exports"], dependencies=WHICH)
async def export_runs(
    request: Request[Any, Any, Any],
    who: GivenUser,
    db: GivenDatabase,
    which: GivenFilter,
    format: FromQuery[FormatName] = "json",  # noqa: A002  # its name in the address
    branches: FromQuery[Branches] = "current",
    ids: Ids = None,
) -> Stream:
    """Download all runs that a filter matches (that of GET /api/runs), or those of `ids`.

    The header Airuns-Total-Runs says how many there are. For many, POST /api/exports.
    """
    if ids is None:
        return _download(await formats.prepare(db, who, which, format, branches))
    others = request.query_params.keys() - {"ids", "format", "branches"}
    if others:
        raise InvalidInput("Give either ids or a filter.", field=sorted(others)[0])
    named = store.check_ids(ids, MOST_IDS_IN_ADDRESS)
    return _download(await formats.prepare(db, who, named, format, branches))


@post("/api/exports", status_code=202, tags=["exports"])
async def add_export(
    data: NewExport, who: GivenUser, db: GivenDatabase, exporter: GivenExporter
) -> Export:
    """Make a file of many runs in the background; `exports.changed` tells when it is done."""
    which = _which(data)
    async with db.transaction(who) as tx:
        made = await store.add(tx, who.user_id, which, data.format, data.branches)
    exporter.wake()
    return made


def _which(data: NewExport) -> Which:
    given = (data.ids is not None, data.filter is not None, data.everything)
    if sum(given) != 1:
        raise InvalidInput(
            "Give one of ids, everything, and a filter, which may be {}.", field="ids"
        )
    if data.everything:
        if data.format != "json":
            raise InvalidInput("Everything is exported as json.", field="format")
        return Everything()
    return data.filter.filter() if data.filter else store.check_ids(data.ids or [], MOST_IDS)


@get("/api/exports", tags=["exports"])
async def list_exports(
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[Export]:
    """List what is being made and what can be downloaded, newest first."""
    size = page_size(limit, 20, settings.max_page)
    async with db.transaction(who) as tx:
        return await store.listed(tx, who.user_id, cursor, size)


@get("/api/exports/{export_id:str}", tags=["exports"])
async def get_export(export_id: PathId, who: GivenUser, db: GivenDatabase) -> Export:
    """Say how far an export is."""
    async with db.transaction(who) as tx:
        return await store.get(tx, who.user_id, export_id)


@get("/api/exports/{export_id:str}/download", tags=["exports"])
async def download_export(export_id: PathId, who: GivenUser, db: GivenDatabase) -> Stream:
    """Download the file of an export that is done."""
    async with db.transaction(who) as tx:
        made = await store.get(tx, who.user_id, export_id)
    if made.state != "done":
        raise Conflict(
            f"The export has failed: {made.error}"
            if made.state == "failed"
            else "The export is not done yet; GET /api/exports/{id} says how far it is."
        )
    return Stream(
        _chunks(db, who, made),
        media_type=made.media_type,
        headers={
            "Content-Disposition": disposition(made.file_name),
            "Content-Length": str(made.size),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _chunks(db: Database, who: As, made: Export) -> AsyncGenerator[bytes]:
    position = sent = 0
    while sent < made.size:
        async with db.transaction(who) as tx:
            content = await store.chunk(tx, who.user_id, made.id, position)
        if content is None:
            raise Conflict("The export was deleted while it was sent.")
        yield content
        position += 1
        sent += len(content)


@delete("/api/exports/{export_id:str}", tags=["exports"])
async def delete_export(
    export_id: PathId, who: GivenUser, db: GivenDatabase, news: GivenNews
) -> None:
    """Remove an export and its file; one that is being made stops."""
    async with db.transaction(who) as tx:
        await store.delete(tx, who.user_id, export_id)
    news.export(who, export_id)


@post("/api/import", status_code=200, request_max_body_size=None, tags=["exports"])
async def import_runs(
    request: Request[Any, Any, Any],
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    news: GivenNews,
) -> Report | Stream:
    """Import a file; the body is the file itself, whatever its name and its Content-Type.

    It is an archive (an export as json), or what ChatGPT, Claude or llm export, ShareGPT, or
    OpenAI's fine-tuning JSONL; which is told by its content. What is there stays as it is.
    `reasons` says why something was refused. With `Accept: application/x-ndjson` the answer tells
    how far it is, a line `{"share", "runs"}` for each step, and ends with the line `{"report"}` or
    `{"error"}`.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="import-", dir=settings.data_dir))
    try:
        await _receive(request, folder / "file", settings)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder)
        raise
    coming = Coming(db, who, folder, limits_of(settings), news)
    if LINES in request.headers.get("accept", ""):
        return Stream(coming.lines(), media_type=LINES, headers={"Cache-Control": "no-store"})
    return await coming.report()


async def _receive(request: Request[Any, Any, Any], path: Path, settings: Settings) -> None:
    """Keep the body, so that no transaction waits for a slow sender. Raises TooLarge."""
    size = 0
    with path.open("wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > settings.max_import:
                raise TooLarge(
                    f"The file has more than {settings.max_import} bytes, which is what "
                    "AIRUNS_MAX_IMPORT allows.",
                    field="body",
                )
            file.write(chunk)


routes = [
    export_run,
    export_runs,
    add_export,
    list_exports,
    get_export,
    download_export,
    delete_export,
    import_runs,
]

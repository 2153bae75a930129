"""The archive: one JSON document that loses nothing, and that `airuns import` reads back.

    {"airuns":1,"exported_at":"…","runs":2,"records":[
    {"type":"prompt",…},
    {"type":"version",…},
    {"type":"run",…},
    {"type":"task",…},
    {"type":"message",…}
    ],"complete":true}

Any JSON parser reads it, and so does whoever reads it line by line: a record is a line. What a run
needs comes before it (its prompt with all versions, the models of its tasks); what it holds comes
after it: attachments, tasks, then messages with parents before children. JSON columns are written
as they are stored, byte for byte, because hashes are over those bytes.

The archive of everything says so at its beginning, with whose it is, and has also providers, all
models with own prices, all prompts, budgets, and the rules for old runs.
"""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from airuns.server import money
from airuns.server.exports import everything
from airuns.server.exports.keys import json_of
from airuns.server.exports.reading import Done, Piece, Reader, Rows
from airuns.server.runs.records import RunRow

VERSION = 1
END = b'\n],"complete":true}\n'

JSON = frozenset(
    (
        *("settings", "variable_values", "broker_values", "attachments", "metadata", "data"),
        *("request_data", "response_data", "response_info", "response_errors", "tool_updates"),
        *("response_metadata", "price", "messages", "variables", "rules"),
    )
)

Kind = everything.Kind | Literal["run", "attachment", "task", "message"]


def record(kind: Kind, row: dict[str, Any]) -> bytes:
    """Return a row as a record of the archive."""
    values = {name: json_of(value) if name in JSON else value for name, value in row.items()}
    return money.encode({"type": kind, **values})


async def json(reader: Reader, total: int) -> AsyncIterator[Piece]:
    """Yield the archive, and say when each run is in it."""
    head: dict[str, Any] = {"airuns": VERSION, "exported_at": datetime.now(UTC), "runs": total}
    if reader.is_everything:
        head |= {"everything": True, "of": await everything.owner(reader)}
    yield msgspec.json.encode(head)[:-1] + b',"records":['
    before = b"\n"
    async for piece in _records(reader):
        if isinstance(piece, Done):
            yield piece
        else:
            yield before
            before = b",\n"
            async for part in piece:
                yield part
    yield END


async def _records(reader: Reader) -> AsyncIterator[AsyncIterator[bytes] | Done]:
    """Yield each record as an iterator of its bytes."""
    there: set[UUID] = set()
    if reader.is_everything:
        async for kind, row in everything.before_runs(reader):
            if kind in ("model", "prompt"):
                there.add(row["id"])
            yield _one(record(kind, row))
    async for group in reader.groups():
        async for kind, row in _named(reader, [run.id for run in group], there):
            yield _one(record(kind, row))
        async for piece in _runs(reader, group):
            yield piece
    if reader.is_everything:
        async for kind, row in everything.after_runs(reader):
            yield _one(record(kind, row))


async def _named(
    reader: Reader, run_ids: list[UUID], there: set[UUID]
) -> AsyncIterator[tuple[Kind, dict[str, Any]]]:
    """Yield the models and prompts of runs that are not `there` yet, and put them there."""
    for model in await reader.rows("model_records", run_ids):
        if model["id"] not in there:
            there.add(model["id"])
            yield "model", model
    for prompt in await reader.rows("prompt_records", run_ids):
        if prompt["id"] not in there:
            there.add(prompt["id"])
            yield "prompt", prompt
            async for version in reader.versions(prompt["id"]):
                yield "version", version


async def _runs(reader: Reader, group: list[RunRow]) -> AsyncIterator[AsyncIterator[bytes] | Done]:
    ids = [run.id for run in group]
    found = {row["id"]: row for row in await reader.rows("run_records", ids)}
    files = await reader.rows("attachment_records", ids)
    tasks = Rows(reader, "task_records", await reader.keys("task_keys", ids), "task_id")
    messages = Rows(reader, "message_records", await reader.keys("tree_keys", ids))
    for number, run in enumerate(group):
        if run.id not in found:  # purged meanwhile
            continue
        yield _one(record("run", found[run.id]))
        for file in files:
            if file["run_id"] == run.id:
                yield _file(reader, file)
        async for task in tasks.of_run(number):
            yield _one(record("task", task))
        async for message in messages.of_run(number):
            yield _one(record("message", message))
        yield Done(run)


async def _one(encoded: bytes) -> AsyncIterator[bytes]:
    yield encoded


async def _file(reader: Reader, row: dict[str, Any]) -> AsyncIterator[bytes]:
    """Yield an attachment with its content in base64, a slice at a time."""
    yield record("attachment", row)[:-1] + b',"content":"'
    async for piece in reader.content(row["id"], row["size"]):
        yield base64.b64encode(piece)
    yield b'"}'

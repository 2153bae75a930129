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
"""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from airuns.server import money
from airuns.server.exports.keys import json_of
from airuns.server.exports.reading import Done, Piece, Reader, Rows
from airuns.server.runs.records import RunRow

VERSION = 1
END = b'\n],"complete":true}\n'

JSON = frozenset(
    (
        *("settings", "variable_values", "broker_values", "attachments", "metadata", "data"),
        *("request_data", "response_data", "response_info", "response_errors", "tool_updates"),
        *("response_metadata", "price", "messages", "variables"),
    )
)

Kind = Literal["model", "prompt", "version", "run", "attachment", "task", "message"]


def record(kind: Kind, row: dict[str, Any]) -> bytes:
    """Return a row as a record of the archive."""
    values = {name: json_of(value) if name in JSON else value for name, value in row.items()}
    return money.encode({"type": kind, **values})


async def json(reader: Reader, total: int) -> AsyncIterator[Piece]:
    """Yield the archive, and say when each run is in it."""
    head = {"airuns": VERSION, "exported_at": datetime.now(UTC), "runs": total}
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
    models: set[UUID] = set()
    prompts: set[UUID] = set()
    async for group in reader.groups():
        ids = [run.id for run in group]
        for model in await reader.rows("model_records", ids):
            if model["id"] not in models:
                models.add(model["id"])
                yield _one(record("model", model))
        for prompt in await reader.rows("prompt_records", ids):
            if prompt["id"] not in prompts:
                prompts.add(prompt["id"])
                yield _one(record("prompt", prompt))
                async for version in reader.versions(prompt["id"]):
                    yield _one(record("version", version))
        async for piece in _runs(reader, group):
            yield piece


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

"""Runs as JSON Lines for fine-tuning chat models: a line {"messages": […]} for each run.

A line ends with the last whole answer of the run's current line. Runs without one are left out.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from airuns.server.exports.keys import Key, whole_turns
from airuns.server.exports.reading import Done, MessageRow, Piece, Reader


async def jsonl(reader: Reader) -> AsyncIterator[Piece]:
    """Yield a line for each run that has an answer, and say when each is done."""
    async for group in reader.groups():
        keys = await reader.keys("line_keys", [run.id for run in group])
        lines: list[list[Key]] = [[] for _ in group]
        for key in keys:
            lines[key.run].append(key)
        for run, line in zip(group, lines, strict=True):
            turns = whole_turns(line)
            if not turns:
                yield Done(run, left_out=True)
                continue
            before = b'{"messages":['
            async for message in reader.messages(turns):
                yield before + msgspec.json.encode(await _said(reader, message))
                before = b","
            yield b"]}\n"
            yield Done(run)


async def _said(reader: Reader, message: MessageRow) -> Any:
    """Return a message as a model is sent it, with what is in its files."""
    if message.data is None:
        return {"role": message.role, "content": message.content}
    if '"attachment"' not in message.data:
        return msgspec.Raw(message.data.replace("\n", " ").replace("\r", " ").encode())
    return await reader.expanded(msgspec.json.decode(message.data))

"""Keys of what an export reads: which rows, in which order, and how large each is.

The keys of a run come first, packed, and its rows follow in pages. So a run that grows or branches
while it is exported is exported as it was at one moment, and memory holds a page and not a run.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

PAGE_BYTES = 1024 * 1024
PAGE_ROWS = 500

_packed = struct.Struct("!I16s16sI?")
_no_parent = bytes(16)


class Key(msgspec.Struct, frozen=True):
    """A row: its run's place in the list of runs (from 0), its id, and its size in bytes.

    Of messages also the parent, and whether it is an answer that is whole.
    """

    run: int
    id: bytes
    parent: bytes | None
    size: int
    is_answer: bool


class Segment(msgspec.Struct, frozen=True):
    """A part of a tree that is read in one go: a line, or a branch from where it leaves others.

    `after` is how many messages of its line come before it.
    """

    keys: list[Key]
    after: int


def unpack(packed: bytes | None) -> Iterator[Key]:
    """Yield keys as the queries `…_keys` pack them."""
    for run, row_id, parent, size, is_answer in _packed.iter_unpack(packed or b""):
        yield Key(run - 1, row_id, None if parent == _no_parent else parent, size, is_answer)


def pages(keys: Iterator[Key] | Sequence[Key]) -> Iterator[list[UUID]]:
    """Yield the ids of keys in pages of about a megabyte; what is larger is a page by itself."""
    page: list[UUID] = []
    filled = 0
    for key in keys:
        if page and (filled + key.size > PAGE_BYTES or len(page) == PAGE_ROWS):
            yield page
            page, filled = [], 0
        page.append(UUID(bytes=key.id))
        filled += key.size
    if page:
        yield page


def segments(tree: Sequence[Key], head: UUID | None) -> list[Segment]:
    """Return a run's messages as lines to read: the current one, then what each other leaf adds.

    `tree` has parents before children. Every message is in exactly one segment.
    """
    by_id = {key.id: key for key in tree}
    parents = {key.parent for key in tree}
    leaves = [key.id for key in tree if key.id not in parents]
    current = head.bytes if head else None
    if current in by_id:
        leaves = [current, *(leaf for leaf in leaves if leaf != current)]
    depths: dict[bytes, int] = {}
    for key in tree:
        depths[key.id] = 0 if key.parent is None else depths[key.parent] + 1
    shown: set[bytes] = set()
    found: list[Segment] = []
    for leaf in leaves:
        line: list[Key] = []
        at: bytes | None = leaf
        while at is not None and at not in shown:
            line.append(by_id[at])
            shown.add(at)
            at = by_id[at].parent
        line.reverse()
        if line:
            found.append(Segment(line, depths[line[0].id]))
    return found


def whole_turns(line: Sequence[Key]) -> Sequence[Key]:
    """Return a line up to its last whole answer, which is what a model can learn from."""
    last = max((place for place, key in enumerate(line) if key.is_answer), default=-1)
    return line[: last + 1]


def json_of(text: Any) -> msgspec.Raw | None:
    """Return stored JSON to be written as it is, on one line; line ends in it are only layout."""
    if text is None:
        return None
    return msgspec.Raw(text.replace("\r", " ").replace("\n", " ").encode())

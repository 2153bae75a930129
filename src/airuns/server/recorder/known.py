"""What the database has of what a batch is about: read at once, before anything is decided."""

from datetime import datetime
from uuid import UUID

import msgspec

from airuns.server.runs.records import Node

Place = tuple[UUID, bytes]
"""A run and a chain hash: where a conversation is in it."""


class KnownRun(msgspec.Struct, kw_only=True):
    """A run that is there, or begins with this batch; `head` is where its current line ends."""

    id: UUID
    source_type: str
    prompt_id: UUID | None
    prompt_version: int | None
    head_message_id: UUID | None
    last_message_at: datetime
    has_model: bool


class KnownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is there, or comes with this batch."""

    id: UUID
    run_id: UUID
    depth: int
    chain_hash: bytes
    task_id: UUID | None

    @property
    def node(self) -> Node:
        """Its place in the tree."""
        return Node(self.id, self.depth, self.chain_hash)


class KnownTask(msgspec.Struct, kw_only=True):
    """A task that is there, or comes with this batch; `answer_id` is its answer's message."""

    task_id: UUID
    run_id: UUID
    has_ended: bool
    request_message_id: UUID | None
    answer_id: UUID | None
    provider: str | None
    model: str | None


class Known:
    """Everything that is known; what a batch adds is added to it, so that later events see it."""

    def __init__(self) -> None:
        self.runs: dict[UUID, KnownRun] = {}
        self.messages: dict[UUID, KnownMessage] = {}
        self.tasks: dict[UUID, KnownTask] = {}
        self.places: dict[Place, KnownMessage] = {}
        self.anywhere: dict[bytes, UUID] = {}

    def add_message(self, message: KnownMessage) -> None:
        """Take note of a message; of equal ones in a run the first is its place."""
        self.messages[message.id] = message
        self.places.setdefault((message.run_id, message.chain_hash), message)

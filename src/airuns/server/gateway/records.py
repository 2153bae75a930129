"""What is kept of a call until the database has it, and the event that it becomes."""

import zlib
from datetime import UTC, datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec

from airuns.events import CallEvent, Protocol
from airuns.server.db.door import As
from airuns.server.gateway.protocols import END_MARKS
from airuns.server.models.texts import clean
from airuns.wire import SourceType

INTERRUPTED = "The server ended before the answer did; what had come by then is kept."
MOST_UNPACKED = 64 * 1024 * 1024


class Begun(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A call as it begins; `id` is its task's, `at` in seconds since 1970."""

    id: UUID
    user_id: UUID
    key_id: UUID | None
    at: float
    protocol: Protocol
    run_id: UUID | None
    provider: str
    model: str
    endpoint: str
    source_type: SourceType | None
    source_id: str | None
    name: str | None
    tags: tuple[str, ...]
    request: bytes

    @property
    def who(self) -> As:
        """Whose call it is."""
        return As(self.user_id, key_id=self.key_id)


class Ended(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How a call ended; times in seconds. What is None is as it was at the beginning.

    `notes` are kept with the task: fallbacks that were needed, that the client had gone.
    """

    http_status: int | None = None
    status: Literal["completed", "error", "timeout", "cancelled"] | None = None
    error: dict[str, Any] | None = None
    run_id: UUID | None = None
    provider: str | None = None
    model: str | None = None
    endpoint: str | None = None
    encoding: str | None = None
    request_id: str | None = None
    first_token: float | None = None
    total: float | None = None
    notes: dict[str, Any] | None = None


class Record(msgspec.Struct, frozen=True):
    """A call with the bytes of its answer; `ended` None: its process died. `segment` is its file's.

    The bytes are as they came, compressed ones too.
    """

    segment: int
    begun: Begun
    answer: bytes
    ended: Ended | None

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes in memory."""
        return len(self.begun.request) + len(self.answer) + 1000


def event_of(record: Record) -> CallEvent:
    """Return a call as the recorder takes it."""
    begun, answer = record.begun, _unpacked(record)
    ended = record.ended or _interrupted(begun, answer)
    info = {"request_id": clean(ended.request_id, 200)} if ended.request_id else None
    model = ended.model or begun.model
    return CallEvent(
        id=begun.id,
        at=datetime.fromtimestamp(begun.at, UTC),
        protocol=begun.protocol,
        request=_request(begun.request, model),
        response=answer.decode(errors="replace") if answer else None,
        http_status=ended.http_status,
        error=ended.error,
        status=ended.status,
        run_id=ended.run_id or begun.run_id,
        service=None if begun.protocol == "openai.embeddings" else "gateway",
        provider=ended.provider or begun.provider,
        endpoint=ended.endpoint or begun.endpoint,
        time_to_first_token=ended.first_token,
        total_time=ended.total,
        response_info=info,
        response_metadata={"gateway": ended.notes} if ended.notes else None,
        source_type=begun.source_type,
        source_id=begun.source_id,
        name=begun.name,
        tags=list(begun.tags),
    )


def _request(body: bytes, model: str) -> dict[str, Any]:
    """Return the request as it was sent on: with the provider's own name of the model."""
    request = cast("dict[str, Any]", msgspec.json.decode(body))
    request["model"] = model
    return request


def _interrupted(begun: Begun, answer: bytes) -> Ended:
    """Say how a call ended whose process died: well, when all of its answer had come."""
    if END_MARKS[begun.protocol] in answer[-2000:]:
        return Ended(http_status=200)
    error = {"code": "interrupted", "message": INTERRUPTED}
    return Ended(status="error", error=error)


def _unpacked(record: Record) -> bytes:
    encoding = record.ended.encoding if record.ended else None
    return gunzipped(record.answer, is_packed=encoding == "deflate")


def gunzipped(answer: bytes, *, is_packed: bool = False) -> bytes:
    """Return an answer without its compression, as far as it can be read."""
    if not (is_packed or answer.startswith(b"\x1f\x8b")):
        return answer
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        return reader.decompress(answer, MOST_UNPACKED)
    except zlib.error:
        return b""

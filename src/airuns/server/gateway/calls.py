"""A call as the gateway has read it: who, what, where to, and of which conversation."""

import asyncio
import time
from typing import Any, cast
from uuid import UUID

import msgspec

from airuns.errors import InvalidInput, Malformed
from airuns.events import Protocol
from airuns.server.gateway import bodies, headers
from airuns.server.gateway.callers import Caller
from airuns.server.gateway.protocols import RECORDED, Dialect
from airuns.server.gateway.routing import Target, without_model
from airuns.server.ids import new_id, parse_id
from airuns.server.text import check_text
from airuns.wire import Name, SourceType, Tags

GONE = ("drain", "stop")
FORM = b"multipart/form-data"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller's airuns- headers ask for."""

    tracked: bool
    run_id: UUID | None
    source_type: SourceType | None
    source_id: str | None
    name: str | None
    tags: tuple[str, ...]
    when_gone: str | None


class _Marks(msgspec.Struct):
    source_type: SourceType
    name: Name
    tags: Tags


class Call(msgspec.Struct, kw_only=True):
    """A call. `path` is below /v1, `plain` the body without its encoding.

    `request` is the body of a call that is recorded, read; `conversation` its chain hash, once it
    is known, and `looking` finds the run meanwhile.
    """

    caller: Caller
    dialect: Dialect
    method: str
    path: str
    query: str
    given: headers.Given
    body: bytes
    plain: bytes
    protocol: Protocol | None
    request: dict[str, Any] | None
    streams: bool
    model: str | None
    targets: list[Target]
    wishes: Wishes
    id: UUID
    at: float
    began: float
    run_id: UUID | None = None
    conversation: bytes | None = None
    renamed: dict[str, bytes] = {}
    looking: asyncio.Task[UUID | None] | None = None

    def body_for(self, target: Target) -> bytes:
        """Return the bytes to send to a target: as they came, but for the model's name."""
        if target.model is None or target.model == self.model:
            return self.body
        if target.model not in self.renamed:
            renamed = bodies.with_model(self.plain, target.model, is_form=self._is_form)
            self.renamed[target.model] = renamed
        return self.renamed[target.model]

    @property
    def _is_form(self) -> bool:
        return self.given.content_type.startswith(FORM)


def read(
    caller: Caller,
    given: headers.Given,
    dialect: Dialect,
    target: tuple[str, str, str],
    body: bytes,
    most: int,
    default: str | None,
) -> Call:
    """Read a call; `target` is its method, path and query. Raises AirunsError."""
    method, path, query = target
    began = time.perf_counter()
    plain = bodies.unpacked(body, given.content_encoding, most) if body else body
    protocol = RECORDED.get(path) if method == "POST" else None
    request = None
    if protocol:
        request = bodies.document(plain)
        model = request.get("model")
        if not isinstance(model, str) or not model:
            raise Malformed("model is missing: name one, as provider/name.", field="model")
    else:
        model = _model_in(plain, given.content_type)
    call = Call(
        caller=caller,
        dialect=dialect,
        method=method,
        path=path,
        query=query,
        given=given,
        body=body,
        plain=plain,
        protocol=protocol,
        request=request,
        streams=bool(request and request.get("stream")),
        model=model,
        targets=_targets(caller, given, dialect, path, model, default),
        wishes=wishes(given.ours) if given.ours else NONE,
        id=new_id(),
        at=time.time(),
        began=began,
    )
    call.body_for(call.targets[0])  # it may be impossible, which is to be said before the call
    return call


def _targets(
    caller: Caller,
    given: headers.Given,
    dialect: Dialect,
    path: str,
    model: str | None,
    default: str | None,
) -> list[Target]:
    provider = given.ours.get("provider")
    if model is None:
        return [without_model(provider, default, caller.usable, dialect)]
    if provider and not model.startswith(f"{provider}/"):
        model = f"{provider}/{model}"
    return caller.targets(model, given.ours.get("fallback", ""), path)


def _model_in(body: bytes, content_type: bytes) -> str | None:
    if content_type.startswith(FORM):
        return bodies.model_in_form(body)
    if body.lstrip()[:1] != b"{":
        return None
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    model = cast("dict[str, Any]", found).get("model")
    return model if isinstance(model, str) and model else None


NONE = Wishes(
    tracked=True,
    run_id=None,
    source_type=None,
    source_id=None,
    name=None,
    tags=(),
    when_gone=None,
)


def wishes(ours: dict[str, str]) -> Wishes:
    """Read the airuns- headers. Raises InvalidInput that names the header."""
    kind, _, source_id = ours.get("source", "").partition("/")
    tags = [tag.strip() for tag in ours.get("tags", "").split(",") if tag.strip()]
    run_id = ours.get("run-id")
    gone = ours.get("on-disconnect")
    if gone is not None and gone not in GONE:
        raise InvalidInput("airuns-on-disconnect must be drain or stop.")
    given = {"source_type": kind or "custom", "name": ours.get("name") or "-", "tags": tags}
    try:
        marks = msgspec.convert(given, _Marks)
        check_text(given)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"A header airuns-source, -name or -tags is wrong: {error}.") from None
    return Wishes(
        tracked=ours.get("track", "true").lower() not in ("false", "0", "off", "no"),
        run_id=parse_id(run_id, "airuns-run-id") if run_id else None,
        source_type=marks.source_type if kind else None,
        source_id=source_id[:200] or None,
        name=ours.get("name") or None,
        tags=tuple(tags),
        when_gone=gone,
    )

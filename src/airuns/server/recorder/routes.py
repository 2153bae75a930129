"""POST /api/events: programs tell what happened."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency

from airuns.events import Outcome, Refusal
from airuns.server.given import GivenSettings, GivenUser
from airuns.server.recorder import batches
from airuns.server.recorder.recorder import Recorder

GivenRecorder = NamedDependency[Recorder]


@post("/api/events", status_code=200, tags=["events"])
async def take_events(
    request: Request[Any, Any, Any],
    who: GivenUser,
    recorder: GivenRecorder,
    settings: GivenSettings,
) -> Outcome:
    """Store a batch of events: runs, messages, tasks, and whole calls of models.

    The body is a list of them, as JSON or msgpack, compressed (gzip, deflate) or not. It is
    answered when all are durable. An event that cannot be stored is refused by itself, with its
    place in the list; sending one again changes nothing.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    body = batches.unpacked(await request.body(), encoding, settings.max_body)
    told = batches.read(body, request.headers.get("content-type", ""))
    outcome = await recorder.take(who, told.events)
    late = [
        Refusal(index=told.places[each.index], id=each.id, field=each.field, reason=each.reason)
        for each in outcome.refused
    ]
    refused = sorted([*told.refused, *late], key=lambda each: each.index)
    return Outcome(stored=outcome.stored, waiting=outcome.waiting, refused=refused)


routes = [take_events]

"""Finds the run of a call by its messages, before its answer begins."""

import asyncio
import logging
import re
from collections.abc import Sequence
from uuid import UUID

from airuns.errors import Unavailable
from airuns.events import Protocol
from airuns.server.db.door import As, Database
from airuns.server.gateway.calls import Call
from airuns.server.gateway.known import Known
from airuns.server.gateway.records import gunzipped
from airuns.server.ids import new_id
from airuns.server.models import reading
from airuns.server.models.reading import Asked
from airuns.server.recorder import store
from airuns.server.recorder.rules import recognisable
from airuns.server.runs.rules import Turn, chain_hashes, turn_of

log = logging.getLogger(__name__)

_response_id = re.compile(rb'"id"\s*:\s*"(resp_[^"]{1,200})"')


class Conversations:
    """The conversations that one process passes through."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known = Known(_answer)

    def recognise(self, call: Call) -> None:
        """Give a call its run; when only the database may know, `call.looking` asks it."""
        asked = _asked(call)
        user_id = call.caller.who.user_id
        call.run_id = call.wishes.run_id
        if asked and asked.previous_response_id:
            call.run_id = call.run_id or self._known.run_of_response(
                user_id, asked.previous_response_id
            )
            return
        turns = [turn_of(message) for message in asked.messages] if asked else []
        if not turns:
            call.run_id = call.run_id or new_id()
            return
        hashes = chain_hashes(None, turns)
        call.conversation = hashes[-1]
        if call.run_id is None:
            call.run_id = self._run_of(user_id, turns, hashes)
        if call.run_id:
            self._known.asked(user_id, hashes[-1], call.run_id)
        else:
            known_by = recognisable(turns, hashes)
            call.looking = asyncio.create_task(self._look(call.caller.who, known_by))

    def answered(self, call: Call, body: bytes) -> None:
        """Note an answer, before its end is sent: the client may go on with it at once."""
        if call.protocol is None or call.run_id is None:
            return
        user_id = call.caller.who.user_id
        if call.protocol == "openai.responses" and (found := _response_id.search(gunzipped(body))):
            self._known.response(user_id, found[1].decode(errors="replace"), call.run_id)
        if call.conversation:
            self._known.asked(user_id, call.conversation, call.run_id)
            self._known.answered(user_id, call.conversation, call.run_id, call.protocol, body)

    def _run_of(self, user_id: UUID, turns: list[Turn], hashes: list[bytes]) -> UUID | None:
        if any(turn.role == "assistant" for turn in turns):
            return self._known.run_of(user_id, turns, hashes)
        return self._known.again(user_id, hashes[-1]) or new_id()

    async def _look(self, who: As, hashes: Sequence[bytes]) -> UUID | None:
        """Ask the database; None when it is away, and the recorder finds out later."""
        try:
            async with self._db.transaction(who) as tx:
                return await store.recognise(tx, who.user_id, hashes) or new_id()
        except Unavailable:
            return None


def _asked(call: Call) -> Asked | None:
    """Read a request; None when it cannot be read, which is between client and provider."""
    if call.protocol is None or call.request is None:
        return None
    try:
        return reading.read_request(call.protocol, call.request)
    except Exception:  # a request that we cannot read is passed on all the same
        log.exception("the messages of a request could not be read")
        return None


def _answer(protocol: Protocol, body: bytes) -> list[Turn]:
    message = reading.read_response(protocol, gunzipped(body)).message
    return [turn_of(message)] if message else []

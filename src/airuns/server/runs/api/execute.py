"""POST /api/prompt/run: run a prompt or messages, and go on with a run."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.response import Response, Stream
from msgspec import UNSET, UnsetType

from airuns.errors import InvalidInput, TooLarge
from airuns.server.given import GivenSettings, GivenUser
from airuns.server.ids import new_id
from airuns.server.runs import sse
from airuns.server.runs.engine import Engine, Joined, last
from airuns.server.runs.rules import text_of
from airuns.server.runs.submission import Submission
from airuns.server.settings import Settings
from airuns.server.text import check_text
from airuns.wire import Message, Name, SourceType, Tags

GivenEngine = NamedDependency[Engine]


class Execute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run a prompt or messages.

    Without `run_id` a run begins; with it, the run goes on below `parent_id` (left out: its current
    end; null: its root). `task_id` may be your own UUID: sending the same one again is safe and
    joins the task. `stream` asks for server-sent events; `track: false` leaves no trace.
    """

    prompt_id: UUID | None = None
    prompt_version: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)] | None = None
    messages: Annotated[list[Message], msgspec.Meta(max_length=10000)] = []
    variables: dict[str, Any] | None = None
    broker_values: dict[str, Any] = {}
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None
    settings: dict[str, Any] = {}
    run_id: UUID | None = None
    parent_id: UUID | None | UnsetType = UNSET
    task_id: UUID | None = None
    source_type: SourceType | None = None
    source_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    name: Name | None = None
    tags: Tags = []
    metadata: dict[str, Any] = {}
    stream: bool = False
    track: bool = True

    def submission(self, settings: Settings) -> Submission:
        """Return what is to be run. Raises InvalidInput or TooLarge."""
        check_text(self)
        if self.run_id is None and self.parent_id is not UNSET:
            raise InvalidInput(
                "parent_id is a message of a run: give its run_id too.", field="parent_id"
            )
        for position, message in enumerate(self.messages):
            check_length(message, f"messages[{position}].content", settings)
        values = msgspec.structs.asdict(self)
        for name in ("stream", "track"):
            del values[name]
        values["task_id"] = self.task_id or new_id()
        values["messages"] = [message.as_dict() for message in self.messages]
        return Submission(**values)


def check_length(message: Message, field: str, settings: Settings) -> None:
    """Raise TooLarge naming the field whose text is longer than AIRUNS_MAX_MESSAGE."""
    length = len(text_of(message.content))
    if length > settings.max_message:
        raise TooLarge(
            f"{field} has {length} characters; AIRUNS_MAX_MESSAGE allows {settings.max_message}.",
            field=field,
        )


@post("/api/prompt/run", status_code=200, tags=["runs"])
async def execute(
    data: Execute, who: GivenUser, engine: GivenEngine, settings: GivenSettings
) -> Response[dict[str, Any]] | Stream:
    """Run a prompt or messages; answers with the result, or with events as they happen.

    A model call that fails answers with its status in the same shape, not with an HTTP error.
    """
    joined = await engine.submit(who, data.submission(settings), track=data.track)
    return await answer(joined, data.stream)


async def answer(joined: Joined, stream: bool) -> Response[dict[str, Any]] | Stream:
    """Answer with a task's events, or with its last one once it has ended."""
    if stream:
        return sse.stream(joined.events)
    return Response(await last(joined.events))


routes = [execute]

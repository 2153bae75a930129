"""The HTTP interface of prompts, under /api/prompts."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Meta, UnsetType

from airuns.errors import InvalidInput, TooLarge
from airuns.server.db.door import As, Database, retried
from airuns.server.downloads import CSV_TYPE, disposition
from airuns.server.given import (
    Cursor,
    GivenDatabase,
    GivenNews,
    GivenSettings,
    GivenStop,
    GivenUser,
    Limit,
    PathId,
)
from airuns.server.pages import Page, page_size
from airuns.server.prompts import history, lists, store
from airuns.server.prompts.history import LONGEST, HistoryFilter, HistoryItem, Status
from airuns.server.prompts.lists import Asked, PromptRow, Sort, VersionRow
from airuns.server.prompts.rules import Message, Variable, text_length
from airuns.server.prompts.store import Change, Content, Deletion, Label, Prompt
from airuns.server.settings import Settings
from airuns.server.text import check_text

Name = Annotated[str, Meta(min_length=1, max_length=store.NAME_LENGTH, pattern=r"\S")]
Description = Annotated[str, Meta(max_length=10_000)]
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=50)]
Variables = Annotated[list[Variable], Meta(max_length=500)]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]

Searched = Annotated[str | None, QueryParameter(max_length=LONGEST)]

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="As ETag said.")]


class PromptMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of a prompt: a text, or a list of parts such as {type: "text", text: …}."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]]


Messages = Annotated[list[PromptMessage], Meta(min_length=1, max_length=1000)]


class NewPrompt(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A prompt to save. A variable in the texts that `variables` leaves out is required."""

    name: Name
    messages: Messages
    variables: Variables = []
    settings: dict[str, Any] = {}
    description: Description = ""
    tags: Tags = []


class WholePrompt(NewPrompt, kw_only=True, forbid_unknown_fields=True):
    """A prompt to put in place of what it is. `version`: the one that was changed."""

    version: Version | None = None


class PromptChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What of a prompt changes. `version`: the one that was changed."""

    name: Name | UnsetType = UNSET
    messages: Messages | UnsetType = UNSET
    variables: Variables | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    version: Version | None = None


class Copy(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a copy of a prompt is called."""

    name: Name | None = None


@post("/")
async def create_prompt(
    data: JSONBody[NewPrompt], db: GivenDatabase, who: GivenUser, settings: GivenSettings
) -> Response[Prompt]:
    """Save a prompt; its variables are found in the texts of its messages."""
    check_text(data)
    label = Label(name=data.name, description=data.description, tags=data.tags)
    content = Content(
        messages=_messages(data.messages, settings),
        variables=data.variables,
        settings=data.settings,
    )
    async with db.transaction(who) as tx:
        return _shown(await store.create(tx, who.user_id, label, content))


@get("/")
async def list_prompts(
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    q: Annotated[str, QueryParameter(description="Part of the name.", max_length=200)] = "",
    sort: FromQuery[Sort] = "recent",
    deleted: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[PromptRow]:
    """List prompts, or the deleted ones that can be restored."""
    asked = Asked(cursor, page_size(limit, 50, settings.max_page))
    async with db.transaction(who) as tx:
        return await lists.prompts(tx, who.user_id, asked, q=q, sort=sort, deleted=deleted)


@get("/{prompt_id:str}")
async def get_prompt(
    prompt_id: PathId, db: GivenDatabase, who: GivenUser, version: FromQuery[Version | None] = None
) -> Response[Prompt]:
    """Show a prompt as of a version, without one as of its newest."""
    async with db.transaction(who) as tx:
        return _shown(await store.get(tx, who.user_id, prompt_id, version))


@put("/{prompt_id:str}")
async def put_prompt(
    prompt_id: PathId,
    data: JSONBody[WholePrompt],
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    if_match: IfMatch = None,
) -> Response[Prompt]:
    """Replace a prompt; it gets a new version unless only name, description or tags differ."""
    return _shown(await _change(db, who, prompt_id, _wanted(data, settings, if_match)))


@patch("/{prompt_id:str}")
async def patch_prompt(
    prompt_id: PathId,
    data: JSONBody[PromptChange],
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    if_match: IfMatch = None,
) -> Response[Prompt]:
    """Change parts of a prompt; new messages, variables or settings make a new version."""
    return _shown(await _change(db, who, prompt_id, _wanted(data, settings, if_match)))


@get("/{prompt_id:str}/versions")
async def list_versions(
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[VersionRow]:
    """List the versions of a prompt, newest first."""
    asked = Asked(cursor, page_size(limit, 50, settings.max_page))
    async with db.transaction(who) as tx:
        return await lists.versions(tx, who.user_id, prompt_id, asked)


@post("/{prompt_id:str}/duplicate")
async def duplicate_prompt(
    prompt_id: PathId, db: GivenDatabase, who: GivenUser, data: JSONBody[Copy | None] = None
) -> Response[Prompt]:
    """Save a copy of a prompt's newest version, as the first version of a new prompt."""
    name = data.name if data else None
    check_text(name, "name")
    async with db.transaction(who) as tx:
        return _shown(await store.duplicate(tx, who.user_id, prompt_id, name))


@get("/{prompt_id:str}/deletion")
async def preview_deletion(prompt_id: PathId, db: GivenDatabase, who: GivenUser) -> Deletion:
    """Say what deleting a prompt would take with it."""
    async with db.transaction(who) as tx:
        return await store.deletion(tx, who.user_id, prompt_id)


@delete("/{prompt_id:str}", status_code=200)
async def delete_prompt(
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    stop: GivenStop,
    news: GivenNews,
    purge: FromQuery[bool] = False,
) -> Deletion:
    """Delete a prompt and its runs, which can be undone; with `purge` a deleted one for good.

    Answers that are being written in its runs are stopped first.
    """
    async with db.transaction(who) as tx:
        running = await store.running(tx, who.user_id, prompt_id)
    await stop(who, running)
    went = await (_purge if purge else _delete)(db, who, prompt_id)
    news.runs(who, "delete")
    return went


@post("/{prompt_id:str}/restore", status_code=200)
async def restore_prompt(
    prompt_id: PathId, db: GivenDatabase, who: GivenUser, news: GivenNews
) -> Response[Prompt]:
    """Bring back a deleted prompt and the runs that went with it."""
    prompt = await _restore(db, who, prompt_id)
    news.runs(who, "restore")
    return _shown(prompt)


def which_executions(
    status: FromQuery[Status | None] = None,
    model: FromQuery[str | None] = None,
    version: FromQuery[int | None] = None,
    tag: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    before: FromQuery[datetime | None] = None,
    q: Searched = None,
) -> HistoryFilter:
    """Return the filter that a query asks for."""
    return HistoryFilter(
        status=status, model=model, version=version, tag=tag, since=since, before=before, q=q
    )


WHICH = {"which": Provide(which_executions, sync_to_thread=False)}
GivenHistory = NamedDependency[HistoryFilter]


@get("/{prompt_id:str}/history", dependencies=WHICH)
async def list_history(
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    settings: GivenSettings,
    which: GivenHistory,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Page[HistoryItem]:
    """List every execution of a prompt, newest first; `since` and `before` bound its beginning.

    `q` is searched in what was asked and what came, in the syntax of GET /api/search.
    """
    size = page_size(limit, 50, settings.max_page)
    async with db.transaction(who) as tx:
        return await history.history(tx, who.user_id, prompt_id, which, cursor, size)


@get("/{prompt_id:str}/history.csv", dependencies=WHICH)
async def download_history(
    prompt_id: PathId, db: GivenDatabase, who: GivenUser, which: GivenHistory
) -> Stream:
    """Download all executions of a prompt that a filter matches, as CSV."""
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
    return Stream(
        history.as_csv(db, who, prompt_id, which),
        media_type=CSV_TYPE,
        headers={"Content-Disposition": disposition(f"{prompt.name}, history.csv")},
    )


@retried
async def _change(db: Database, who: As, prompt_id: UUID, change: Change) -> Prompt:
    async with db.transaction(who) as tx:
        return await store.change(tx, who.user_id, prompt_id, change)


@retried
async def _delete(db: Database, who: As, prompt_id: UUID) -> Deletion:
    async with db.transaction(who) as tx:
        return await store.delete(tx, who.user_id, prompt_id)


@retried
async def _purge(db: Database, who: As, prompt_id: UUID) -> Deletion:
    async with db.transaction(who) as tx:
        return await store.purge(tx, who.user_id, prompt_id)


@retried
async def _restore(db: Database, who: As, prompt_id: UUID) -> Prompt:
    async with db.transaction(who) as tx:
        return await store.restore(tx, who.user_id, prompt_id)


def _wanted(data: WholePrompt | PromptChange, settings: Settings, if_match: str | None) -> Change:
    check_text(data)
    fields = {
        name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET
    }
    if data.messages is not UNSET:
        fields["messages"] = _messages(data.messages, settings)
    return Change(**fields, if_match=_version_of(if_match))


def _messages(messages: list[PromptMessage], settings: Settings) -> list[Message]:
    plain: list[Message] = msgspec.to_builtins(messages)
    for position, message in enumerate(plain):
        _refuse_attachments(message, f"messages[{position}].content")
        if text_length(message) > settings.max_message:
            raise TooLarge(
                f"A message has at most {settings.max_message} characters (AIRUNS_MAX_MESSAGE).",
                field=f"messages[{position}].content",
            )
    return plain


def _refuse_attachments(message: Message, field: str) -> None:
    parts: Any = message["content"]
    if isinstance(parts, list) and "attachment" in [
        part.get("type") for part in cast("list[Message]", parts)
    ]:
        raise InvalidInput("Files go with the messages of a run, not with a prompt.", field=field)


def _version_of(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    tag = re.fullmatch(r'\s*(?:W/)?"?([1-9][0-9]{0,8})"?\s*', if_match)
    if tag is None:
        raise InvalidInput(
            'If-Match must be an ETag as it was sent, such as "3".', field="If-Match"
        )
    return int(tag[1])


def _shown(prompt: Prompt) -> Response[Prompt]:
    return Response(prompt, headers={"ETag": f'"{prompt.version}"'})


routes = [
    Router(
        "/api/prompts",
        route_handlers=[
            create_prompt,
            list_prompts,
            get_prompt,
            put_prompt,
            patch_prompt,
            delete_prompt,
            preview_deletion,
            restore_prompt,
            list_versions,
            duplicate_prompt,
            list_history,
            download_history,
        ],
        tags=["prompts"],
    )
]

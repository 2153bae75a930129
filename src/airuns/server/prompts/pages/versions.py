"""The versions of a prompt: a list, a page of each, and what differs between two."""

import asyncio
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import Cursor, GivenDatabase, GivenUser, PathId
from airuns.server.prompts import lists, store
from airuns.server.prompts.lists import Asked
from airuns.server.prompts.pages.differences import Section, Titled, sections
from airuns.server.prompts.pages.editor import PAGE, json_of, shown_message, shown_variable
from airuns.server.prompts.routes import Version
from airuns.server.prompts.store import Prompt

AnyRequest = Request[Any, Any, Any]


@get("/ai/prompts/{prompt_id:str}/versions", include_in_schema=False)
async def version_rows(
    request: AnyRequest,
    prompt_id: PathId,
    db: GivenDatabase,
    who: GivenUser,
    cursor: Cursor = None,
) -> Template:
    """Show a page of the list of versions, which scripts put into it."""
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
        page = await lists.versions(tx, who.user_id, prompt_id, Asked(cursor, PAGE))
    name = "prompts/pages/_version_rows.html"
    return ui.page(request, name, prompt=prompt, page=page, shown=None)


@get("/ai/prompts/{prompt_id:str}/versions/{version:int}", include_in_schema=False)
async def version_page(
    request: AnyRequest,
    prompt_id: PathId,
    version: FromPath[Version],
    db: GivenDatabase,
    who: GivenUser,
    against: FromQuery[Version | None] = None,
) -> Template:
    """Show a version, whole or as what differs from another."""
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
        this = await store.get(tx, who.user_id, prompt_id, version)
        other = await store.get(tx, who.user_id, prompt_id, against) if against else None
        page = await lists.versions(tx, who.user_id, prompt_id, Asked(None, PAGE))
    changed = await asyncio.to_thread(_changed, other, this) if other else []
    return ui.page(
        request,
        "prompts/pages/version.html",
        prompt=prompt,
        this=this,
        other=other,
        sections=changed,
        messages=[shown_message(message) for message in this.messages],
        variables=[shown_variable(variable) for variable in this.variables],
        settings=json_of(this.settings) if this.settings else "",
        page=page,
        shown=version,
    )


def _changed(old: Prompt, new: Prompt) -> list[Section]:
    return [
        *sections(_messages(old), _messages(new)),
        *sections([Titled("Variables", _variables(old))], [Titled("Variables", _variables(new))]),
        *sections([Titled("Settings", _settings(old))], [Titled("Settings", _settings(new))]),
    ]


def _messages(prompt: Prompt) -> list[Titled]:
    shown = [shown_message(message) for message in prompt.messages]
    return [Titled(message.role.capitalize(), message.text) for message in shown]


def _variables(prompt: Prompt) -> str:
    return "\n".join(
        f"{one.name}: {'required' if one.required else 'optional'}"
        f"{f', default {one.raw}' if one.raw != 'null' else ''}"
        f"{f', {one.description}' if one.description else ''}"
        for one in map(shown_variable, prompt.variables)
    )


def _settings(prompt: Prompt) -> str:
    return "\n".join(f"{name}: {json_of(value)}" for name, value in prompt.settings.items())


routes: list[HTTPRouteHandler] = [version_rows, version_page]

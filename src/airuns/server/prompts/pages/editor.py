"""The editor of a prompt, new or old."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import GivenDatabase, GivenUser, PathId
from airuns.server.prompts import lists, store
from airuns.server.prompts.lists import Asked
from airuns.server.prompts.pages.examples import EXAMPLES, Example
from airuns.server.prompts.rules import Message, Variable
from airuns.server.prompts.store import Content, Label

PAGE = 50
ROLES = ("system", "developer", "user", "assistant")
NUMBERS = ("temperature", "max_tokens", "top_p")
BLANK: Example = (
    Label(name=""),
    Content(messages=[{"role": "user", "content": ""}], variables=[], settings={}),
)

AnyRequest = Request[Any, Any, Any]


class ShownMessage(msgspec.Struct, frozen=True):
    """A message as a field shows it: a text, or its parts as JSON."""

    role: str
    text: str
    has_parts: bool


class ShownVariable(msgspec.Struct, frozen=True):
    """A variable as its fields show it; `raw` is the default as JSON, which may be no text."""

    name: str
    default: str
    raw: str
    required: bool
    description: str


class ShownSettings(msgspec.Struct, frozen=True):
    """The settings that have a field of their own, and the others as JSON."""

    model: str
    numbers: dict[str, str]
    others: str


@get("/ai/prompts/new", include_in_schema=False, sync_to_thread=False)
def new_prompt_page(request: AnyRequest, example: str = "") -> Template:
    """Show the editor, empty or with an example."""
    label, content = EXAMPLES.get(example, BLANK)
    return _page(request, label, content, prompt=None, page=None, example=example)


@get("/ai/prompts/{prompt_id:str}/edit", include_in_schema=False)
async def edit_prompt_page(
    request: AnyRequest, prompt_id: PathId, db: GivenDatabase, who: GivenUser
) -> Template:
    """Show the editor with a prompt's newest version, and its versions beside it."""
    async with db.transaction(who) as tx:
        prompt = await store.get(tx, who.user_id, prompt_id)
        page = await lists.versions(tx, who.user_id, prompt_id, Asked(None, PAGE))
    label = Label(name=prompt.name, description=prompt.description, tags=prompt.tags)
    return _page(request, label, prompt.content, prompt=prompt, page=page, example="")


def _page(request: AnyRequest, label: Label, content: Content, **context: Any) -> Template:
    return ui.page(
        request,
        "prompts/pages/editor.html",
        label=label,
        messages=[shown_message(message) for message in content.messages],
        variables=[shown_variable(variable) for variable in content.variables],
        settings=shown_settings(content.settings),
        roles=ROLES,
        shown=None,
        **context,
    )


def shown_message(message: Message) -> ShownMessage:
    """Return a message as its field shows it."""
    content = message["content"]
    if isinstance(content, str):
        return ShownMessage(message["role"], content, has_parts=False)
    return ShownMessage(message["role"], json_of(content), has_parts=True)


def shown_variable(variable: Variable) -> ShownVariable:
    """Return a variable as its fields show it."""
    default = variable.default
    text = default if isinstance(default, str) else "" if default is None else json_of(default)
    return ShownVariable(
        variable.name, text, json_of(default), variable.required, variable.description
    )


def shown_settings(settings: dict[str, Any]) -> ShownSettings:
    """Return settings as their fields show them: what a field cannot hold is among the others."""
    numbers = {name: settings[name] for name in NUMBERS if _is_number(settings.get(name))}
    model = settings.get("model")
    own = {*numbers, *(["model"] if isinstance(model, str) else [])}
    others = {name: value for name, value in settings.items() if name not in own}
    return ShownSettings(
        model if isinstance(model, str) else "",
        {name: json_of(value) for name, value in numbers.items()},
        json_of(others) if others else "",
    )


def json_of(value: Any) -> str:
    """Return a value as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


routes: list[HTTPRouteHandler] = [new_prompt_page, edit_prompt_page]

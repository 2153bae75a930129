"""What a prompt will send: its texts cut into words and variables, so that a page can fill them."""

import re
from typing import Any

import msgspec

from airuns.server.prompts import rules
from airuns.server.prompts.rules import Variable
from airuns.server.prompts.store import Prompt
from airuns.server.runs.rules import text_of

LONG = 60
BEGIN, END = "\ue000", "\ue001"  # of the private use area, so that no text has them

_marked = re.compile(f"{BEGIN}(.*?){END}")


class Piece(msgspec.Struct, frozen=True):
    """A part of a text: words as they are, or the place of a variable."""

    text: str
    is_variable: bool


class Sent(msgspec.Struct, frozen=True):
    """A message that a prompt sends."""

    role: str
    pieces: list[Piece]


def of(prompt: Prompt) -> list[Sent]:
    """Return the messages of a prompt with their variables told apart."""
    marks: dict[str, Any] = {each.name: f"{BEGIN}{each.name}{END}" for each in prompt.variables}
    rendered = rules.render(prompt.messages, prompt.variables, marks)
    return [Sent(message["role"], _pieces(text_of(message["content"]))) for message in rendered]


def _pieces(text: str) -> list[Piece]:
    parts = _marked.split(text)
    return [Piece(part, number % 2 == 1) for number, part in enumerate(parts) if part]


def needs_message(prompt: Prompt) -> bool:
    """Say whether a model has nothing to answer before the user has written something."""
    return not prompt.messages or prompt.messages[-1]["role"] != "user"


def is_long(variable: Variable) -> bool:
    """Say whether a variable's field takes the whole width: by its default, or what it is for."""
    default = str(variable.default or "")
    return "\n" in default or len(default) > LONG or len(variable.description) > LONG

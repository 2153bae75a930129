"""Variables of prompts: found in the text as `{{name}}`, described, and replaced by values.

A name begins with a letter or an underscore and goes on with letters, digits, `_`, `.` and `-`;
spaces inside the braces do not count. A backslash before the braces keeps them as text:
`\\{{name}}` gives `{{name}}`. Of several backslashes there each pair gives one, so `\\\\{{name}}`
gives a backslash and the value. Everything else that looks like braces is plain text.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

import msgspec

from airuns.errors import InvalidInput

NAME_LENGTH = 100

# No quantifier gives back what it took and no backslash is read twice: linear in the text.
_variable = re.compile(
    rf"(?<!\\)(\\*+)\{{\{{[ \t]*+([A-Za-z_][A-Za-z0-9_.-]{{0,{NAME_LENGTH - 1}}}+)[ \t]*+\}}\}}"
)

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*\Z", max_length=NAME_LENGTH)]
Value = str | int | float | bool
Message = dict[str, Any]


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable of a prompt.

    A run that gives no value gets the default. Without a default, a required variable is missed and
    any other is left empty.
    """

    name: Name
    default: Value | None = None
    required: bool = True
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""


def variable_names(messages: Sequence[Message]) -> list[str]:
    """Return the names of the variables in `messages`, in order of first appearance."""
    found = (
        match[2]
        for message in messages
        for text in _texts(message.get("content"))
        for match in _variable.finditer(text)
        if not _escaped(match)
    )
    return list(dict.fromkeys(found))


def declared(messages: Sequence[Message], given: Sequence[Variable]) -> list[Variable]:
    """Return a Variable for each name in the texts, as `given` describes it or else required.

    Variables that are not in the texts are dropped.
    """
    known = {variable.name: variable for variable in given}
    return [known.get(name) or Variable(name=name) for name in variable_names(messages)]


def described(messages: Sequence[Message], given: Sequence[Variable]) -> list[Variable]:
    """Return what `declared` does, of descriptions that a caller sent.

    Raises InvalidInput when one is of no variable in the texts, or of the same as another.
    """
    names = variable_names(messages)
    seen: set[str] = set()
    for position, variable in enumerate(given):
        field = f"variables[{position}].name"
        if variable.name not in names:
            raise InvalidInput(
                f"{variable.name} is in no message; the messages have {_listed(names)}.",
                field=field,
            )
        if variable.name in seen:
            raise InvalidInput(f"{variable.name} is described twice.", field=field)
        seen.add(variable.name)
    return declared(messages, given)


def text_length(message: Message) -> int:
    """Return how many characters the texts of a message have."""
    return sum(map(len, _texts(message.get("content"))))


def render(
    messages: Sequence[Message], variables: Sequence[Variable], values: Mapping[str, Any]
) -> list[Message]:
    """Return `messages` with values in place of their variables.

    Values are texts, numbers or booleans, and are put in as they are: braces inside a value stay.
    Raises InvalidInput, with field `variables.NAME`, when a required value is missing, a value
    belongs to no variable, or a value is of another type.
    """
    wanted = declared(messages, variables)
    _refuse_unknown([variable.name for variable in wanted], values)
    texts = {variable.name: _text(variable, values) for variable in wanted}
    return [_rendered(message, texts) for message in messages]


def _refuse_unknown(names: list[str], values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in names:
            raise InvalidInput(
                f"There is no variable {name[:NAME_LENGTH]!r}; the messages have {_listed(names)}.",
                field=f"variables.{name[:NAME_LENGTH]}",
            )


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "no variables"


def _text(variable: Variable, values: Mapping[str, Any]) -> str:
    value = values.get(variable.name, variable.default)
    if isinstance(value, str):
        return value
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    field = f"variables.{variable.name}"
    if variable.name in values:
        raise InvalidInput(
            f"{variable.name} must be a text, a number or a boolean; leave it out for its default.",
            field=field,
        )
    if variable.required:
        raise InvalidInput(
            f"{variable.name} is missing: send its value in variables, or give it a default.",
            field=field,
        )
    return ""


def _rendered(message: Message, texts: Mapping[str, str]) -> Message:
    def put_in(match: re.Match[str]) -> str:
        backslashes = match[1][: len(match[1]) // 2]
        braces = match[0].removeprefix(match[1])
        return backslashes + (braces if _escaped(match) else texts[match[2]])

    return _map_text(message, lambda text: _variable.sub(put_in, text))


def _escaped(match: re.Match[str]) -> bool:
    return len(match[1]) % 2 == 1


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in cast("list[Any]", content) if _is_text(part))


def _map_text(message: Message, change: Callable[[str], str]) -> Message:
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": change(content)}
    if isinstance(content, list):
        parts = cast("list[Any]", content)
        return {**message, "content": [_map_part(part, change) for part in parts]}
    return message


def _map_part(part: Any, change: Callable[[str], str]) -> Any:
    return {**part, "text": change(part["text"])} if _is_text(part) else part


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(cast("dict[str, Any]", part).get("text"), str)

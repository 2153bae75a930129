"""What PostgreSQL cannot store is refused with the name of its field."""

from typing import Any

import msgspec
import pytest

from airuns.errors import InvalidInput
from airuns.server.text import check_text


class Body(msgspec.Struct):
    name: str
    messages: list[dict[str, Any]]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Body("a\0b", []), "name"),
        (Body("a", [{}, {"content": [{"text": "\0"}]}]), "messages[1].content[0].text"),
        ({"a": {"b\0": 1}}, "a"),
        ({"\0": 1}, "body"),
        ("\0", "body"),
    ],
)
def test_a_nul_character_is_refused_by_its_path(value: Any, field: str) -> None:
    with pytest.raises(InvalidInput, match="NUL character") as error:
        check_text(value)
    assert error.value.field == field


@pytest.mark.parametrize(
    "value", ["", "é😀", None, 1, b"\0", msgspec.UNSET, [1, ["x"]], Body("a", [])]
)
def test_everything_else_passes(value: Any) -> None:
    check_text(value, "field")

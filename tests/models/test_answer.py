"""Texts that providers cut or spoil come out whole and storable."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import anthropic, openai
from airuns.server.models.answer import clean
from airuns.server.models.call import Piece, ProviderError
from airuns.server.models.sse import Event
from tests.models.calls import end_of, reasoning_of, text_of, tools_of

anything = st.text(st.characters(), max_size=30)


def fed(decoder: Any, *documents: Any) -> list[Piece]:
    pieces: list[Piece] = []
    for document in documents:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        pieces += decoder.feed(Event("message", data))
    return pieces + decoder.answer.finish()


def chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def halves(text: str) -> list[str]:
    """The text as UTF-16 code units: every character beyond the BMP in two halves."""
    units = text.encode("utf-16-le", "surrogatepass")
    return [
        units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)
    ]


@given(anything)
def test_cleaned_text_can_be_stored_and_what_was_fine_stays(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert clean(cleaned) == cleaned
    if "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert cleaned == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_characters_split_over_two_chunks_are_joined(text: str) -> None:
    units = halves(text)
    pieces = fed(openai.Decoder(), *(chunk(content=unit, reasoning=unit) for unit in units))
    assert text_of(pieces) == text
    assert reasoning_of(pieces) == text
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": unit}}
        for unit in units
    ]
    assert text_of(fed(anthropic.Decoder(), *deltas)) == text


def test_lone_surrogates_and_nul_become_the_replacement_character() -> None:
    pieces = fed(openai.Decoder(), chunk(content="a\0b\ud83d"), chunk(content="c\ude00\ud83d"))
    assert text_of(pieces) == "a\ufffdb\ufffdc\ufffd\ufffd"
    assert all(piece.text for piece in pieces[:-1])


def test_tool_calls_names_and_info_are_cleaned_too() -> None:
    tool = {"index": 0, "id": "a\0", "function": {"name": "f\ud800", "arguments": '"\ud83d'}}
    rest = {"index": 0, "function": {"arguments": '\ude00"'}}
    pieces = fed(
        openai.Decoder(), chunk(tool_calls=[tool]) | {"id": "x\0"}, chunk(tool_calls=[rest])
    )
    assert [(one.id, one.name, one.arguments) for one in tools_of(pieces)] == [
        ("a\ufffd", "f\ufffd", '"😀"')
    ]
    assert end_of(pieces).info == {"id": "x\ufffd"}


@pytest.mark.parametrize(
    "data", [b"oops", b"", b'{"choices": 7}', b"[]", b"[" * 100_000, b"\xff\xfe", b'{"choices": [']
)
def test_garbage_is_an_error_of_the_protocol(data: bytes) -> None:
    with pytest.raises(ProviderError, match="its protocol does not know") as caught:
        openai.Decoder().feed(Event("message", data))
    assert caught.value.kind == "protocol"
    assert not caught.value.transient


def test_invalid_utf_8_within_a_chunk_is_replaced() -> None:
    data = b'{"choices": [{"delta": {"content": "a\xffb"}}]}'
    assert text_of(fed(openai.Decoder(), data)) == "a\ufffdb"

"""Texts that providers cut or spoil come out whole and storable."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import anthropic, openai
from airuns.server.models.call import Piece, ProviderError
from airuns.server.models.sse import Event
from airuns.server.models.texts import clean
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


@given(anything, st.integers(0, 40))
def test_cleaned_text_is_as_short_as_asked(text: str, most: int) -> None:
    assert clean(text, most) == clean(text[:most])
    assert len(clean(text, most)) <= most


@given(anything, anything, anything)
def test_texts_of_an_error_are_clean_and_short(message: str, code: str, request_id: str) -> None:
    error = ProviderError(message, code=code, request_id=request_id)
    texts = (error.message, error.code, error.request_id, str(error))
    assert texts == (clean(message), clean(code), clean(request_id), clean(message))
    error = ProviderError("m" * 10_001, code="c" * 201, request_id="r" * 201)
    assert (len(error.message), len(error.code or ""), len(error.request_id or "")) == (
        10_000,
        200,
        200,
    )


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


def test_reasoning_is_cleaned_too() -> None:
    for delta in ({"reasoning": "a\0b\ud800"}, {"reasoning_content": "a\0b\ud800"}):
        assert reasoning_of(fed(openai.Decoder(), chunk(**delta))) == "a\ufffdb\ufffd"


def test_info_holds_short_clean_texts_and_nothing_else() -> None:
    told = {"id": {"deep": ["\0"]}, "model": "m\ud800" + "m" * 300, "service_tier": 10**40}
    stop: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": "s\0" + "s" * 300}]}
    end = end_of(fed(openai.Decoder(), stop | told))
    assert end.info == {"model": "m\ufffd" + "m" * 198}
    assert end.reason == "s\ufffd" + "s" * 198


@pytest.mark.parametrize("code", ["a\0b", "x\ud800", "c" * 300])
@pytest.mark.parametrize("decoder", [openai.Decoder, anthropic.Decoder])
def test_codes_of_errors_in_the_stream_are_cleaned(decoder: Any, code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        fed(decoder(), {"type": "error", "error": {"message": "no", "code": code}})
    assert caught.value.code == clean(code)[:200]


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

"""Estimated tokens: of the right size in any script, and never of nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models.estimate import estimate, tokens


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 13),
        ("Über den Wolken muß die Freiheit wohl grenzenlos sein.", 11, 20),
        ("Съешь же ещё этих мягких французских булок", 13, 24),
        ("我能吞下玻璃而不伤身体", 7, 13),
        ("私はガラスを食べられます", 8, 14),
        ("나는 유리를 먹을 수 있어요", 9, 16),
        ("أنا قادر على أكل الزجاج", 8, 16),
    ],
)
def test_texts_of_several_scripts(text: str, least: int, most: int) -> None:
    assert least <= tokens(text) <= most


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(a: str, b: str) -> None:
    assert tokens(a) <= tokens(a + b) <= tokens(a) + tokens(b)
    assert (tokens(a) == 0) == (a == "")


def test_a_conversation() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD" * 999}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "word" * 10},
        {"role": "user", "content": [{"type": "text", "text": "word" * 5}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    usage = estimate(messages, "word" * 3)
    assert usage.estimated
    assert usage.output == 3
    assert usage.input is not None
    assert 1027 <= usage.input <= 1060
    assert (usage.cache_read, usage.reasoning) == (None, None)

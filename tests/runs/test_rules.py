"""What a message is, its hash, and a run's name."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.runs.rules import (
    Turn,
    chain_hash,
    chain_hashes,
    request_bytes,
    run_name,
    shorten,
    turn_of,
)

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
roles = st.sampled_from(["system", "user", "assistant", "tool"])
turns = st.builds(Turn, roles, st.text())
messages = st.one_of(
    st.fixed_dictionaries({"role": roles, "content": st.text()}),
    st.fixed_dictionaries(
        {
            "role": roles,
            "content": st.lists(
                st.fixed_dictionaries({"type": st.just("text"), "text": st.text()})
            ),
            "name": st.text(max_size=5),
        }
    ),
)


@given(messages)
def test_a_message_comes_back_as_it_was(message: dict[str, object]) -> None:
    assert turn_of(message).message == message


def test_a_refusal_is_what_was_said() -> None:
    for said in (
        {"content": None, "refusal": "No."},
        {"content": [{"type": "refusal", "refusal": "No."}]},
    ):
        assert turn_of({"role": "assistant", **said}).content == "No."


@given(st.lists(turns, min_size=1), st.lists(turns, min_size=1))
def test_equal_hashes_are_equal_conversations(one: list[Turn], other: list[Turn]) -> None:
    assert (chain_hashes(None, one)[-1] == chain_hashes(None, other)[-1]) == (one == other)


@given(st.lists(turns), st.lists(turns))
def test_a_hash_covers_the_whole_past(past: list[Turn], rest: list[Turn]) -> None:
    hashes = chain_hashes(None, past + rest)
    middle = hashes[len(past) - 1] if past else None
    assert chain_hashes(middle, rest) == hashes[len(past) :]


def test_the_order_of_a_messages_keys_does_not_count() -> None:
    one = turn_of({"role": "user", "name": "a", "content": "x"})
    other = turn_of({"content": "x", "role": "user", "name": "a"})
    assert chain_hash(None, one) == chain_hash(None, other)


@given(st.lists(messages), st.dictionaries(st.text(), st.integers() | st.text()))
def test_a_request_is_rebuilt_to_the_byte(
    sent: list[dict[str, object]], settings: dict[str, object]
) -> None:
    request = {"model": "m", "messages": sent, **settings, "stop": None}
    kept = msgspec.json.decode(msgspec.json.encode({**request, "messages": None}))
    assert request_bytes(kept, sent) == msgspec.json.encode(request)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Write a haiku. Then another.", "Write a haiku."),
        ("# **Bold** title\n\nand text", "Bold title"),
        ("- [link](https://example.org) here", "link here"),
        ("`code` and <b>html</b>", "code and html"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("v1.2 is out! Really", "v1.2 is out!"),
        ("你好。再见", "你好。"),
        (
            "Compare the three proposals and tell me which one is best",
            "Compare the three proposals and tell me which one…",
        ),
        ("x" * 80, "x" * 49 + "…"),
    ],
)
def test_a_run_is_named_by_its_first_user_message(text: str, name: str) -> None:
    first = [Turn("system", "You are kind."), Turn("user", text), Turn("user", "later")]
    assert run_name(first, "Prompt", AT) == name


def test_a_run_without_words_is_named_by_its_source_or_the_time() -> None:
    assert run_name([Turn("user", " \n ")], "Greeter", AT) == "Greeter – 2026-11-21"
    assert run_name([], None, AT) == "Run – 2026-11-21 09:30"


@given(st.text())
def test_a_name_is_never_longer_than_allowed(text: str) -> None:
    assert len(shorten(text)) <= 50
    assert 1 <= len(run_name([Turn("user", text)], text or None, AT)) <= 100

"""Whatever is sent, reading it never fails, and what comes of it can be stored."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.events import Protocol
from airuns.server.models.reading import read_request, read_response
from airuns.server.runs.rules import chain_hashes, turn_of
from airuns.wire import Role
from tests.models.wire import as_openai_says, chunk, completion, sse

protocols = st.sampled_from(get_args(Protocol))
WORDS = """
type role content text choices delta message messages input output item index id error usage
tool_calls function name arguments thinking partial_json response tool_use user assistant url
tool_result content_block content_block_start content_block_delta message_start message_delta
function_call response.completed response.output_item.done response.output_text.delta source
image document system instructions embedding data base64 finish_reason logprobs
"""
words = st.sampled_from(WORDS.split())
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(words, anything, max_size=5)


@given(protocols, objects)
def test_any_request_is_read(protocol: Any, request: dict[str, Any]) -> None:
    asked = read_request(protocol, request)
    stored = msgspec.json.encode([asked.messages, asked.request_data])
    assert b"\\u0000" not in stored.replace(b"\\\\", b"")
    assert {message["role"] for message in asked.messages} <= set(get_args(Role))
    assert all("content" in message for message in asked.messages)
    chain_hashes(None, [turn_of(message) for message in asked.messages])


@given(protocols, st.lists(objects, max_size=5), st.sampled_from([None, 200, 500]))
def test_any_answer_is_read(protocol: Any, events: list[dict[str, Any]], status: Any) -> None:
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    for body in (json.dumps(events[:1]), json.dumps(events[0] if events else 1), stream):
        heard = read_response(protocol, body, status)
        assert b"\\u0000" not in msgspec.json.encode(heard).replace(b"\\\\", b"")
        if heard.message is not None:
            assert heard.message["role"] == "assistant"
            chain_hashes(None, [turn_of(heard.message)])
        assert isinstance(heard.written, str)


@given(protocols, st.binary(max_size=40))
def test_any_bytes_are_read(protocol: Any, body: bytes) -> None:
    assert read_response(protocol, body).message is None
    assert read_response(protocol, b"data: " + body + b"\n\n").message is None


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_what_is_nested_too_deep_is_an_error(protocol: Any) -> None:
    for depth in (100, 900, 100_000):
        deep = "[" * depth + "]" * depth
        body = '{"output":[{"a":@}],"content":[{"a":@}],"choices":[{"message":{"a":@}}]}'
        read_response(protocol, body.replace("@", deep))
        read_response(protocol, f"data: {body.replace('@', deep)}\n\n")


def test_a_cut_anywhere_keeps_what_came() -> None:
    whole = "one two three four"
    body = sse(*(chunk({"content": word}) for word in whole.split(" ")), done=True)
    for end in range(len(body) - len("\n\n")):
        heard = read_response("openai.chat", body[:end])
        assert whole.replace(" ", "").startswith(heard.text)
        assert not heard.complete
        assert heard.error is None
    assert read_response("openai.chat", body).complete


def test_line_ends_and_comments_of_a_stream_do_not_matter() -> None:
    body = sse(chunk({"content": "Hi\u2028"}), chunk({}, "stop"), done=True)
    expected = read_response("openai.chat", body)
    assert expected.text == "Hi\u2028"
    for other in (
        body.replace("\n", "\r\n"),
        "\ufeff" + body,
        ": ping\n\n" + body.replace("data: ", "data:"),
        body.replace(', "', ',\ndata: "').replace(',"choices"', ',\ndata: "choices"'),
    ):
        assert read_response("openai.chat", other) == expected


def test_an_answer_in_utf_8_may_come_as_bytes() -> None:
    body = msgspec.json.encode(completion(as_openai_says("你好")))
    assert read_response("openai.chat", body) == read_response("openai.chat", body.decode())

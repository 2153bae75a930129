"""The Anthropic protocol: the OpenAI chat shape translated, and usage in our own terms."""

import json
from typing import Any

import pytest

from airuns.server.models import anthropic
from airuns.server.models.call import Call, Endpoint, Progress, ProviderError, ToolCall, Usage
from airuns.server.models.sse import Event
from tests.models.calls import end_of, tools_of
from tests.models.test_answer import fed

USER = {"role": "user", "content": "Hi"}


def body(*messages: dict[str, Any], **settings: Any) -> dict[str, Any]:
    endpoint = Endpoint(name="anthropic", protocol="anthropic", base_url="http://x/v1", key="k")
    asked = Call(endpoint=endpoint, model="m", messages=list(messages), settings=settings)
    assert anthropic.body(asked) == anthropic.body(asked)
    return json.loads(anthropic.body(asked))


def test_system_messages_are_lifted_and_max_tokens_is_there() -> None:
    sent = body({"role": "system", "content": "A"}, USER, {"role": "developer", "content": "B"})
    assert sent == {
        "model": "m",
        "messages": [USER],
        "stream": True,
        "system": "A\n\nB",
        "max_tokens": 4096,
    }
    assert body(USER, max_tokens=7)["max_tokens"] == 7
    assert body(USER, max_completion_tokens=8)["max_tokens"] == 8
    assert body(USER, max_tokens=None)["max_tokens"] == 4096


def test_system_parts_keep_their_cache_marks() -> None:
    part = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    sent = body({"role": "system", "content": [part]}, {"role": "system", "content": "B"}, USER)
    assert sent["system"] == [part, {"type": "text", "text": "B"}]


def test_tool_calls_and_their_results() -> None:
    def call(id_: str, arguments: str) -> dict[str, Any]:
        return {"id": id_, "type": "function", "function": {"name": "f", "arguments": arguments}}

    sent = body(
        USER,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call("1", '{"a":1}')]},
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [call("3", ""), call("4", "oops")]},
        USER,
    )
    assert sent["messages"] == [
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "one"},
                {
                    "type": "tool_result",
                    "tool_use_id": "2",
                    "content": [{"type": "text", "text": "two"}],
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "3", "name": "f", "input": {}},
                {"type": "tool_use", "id": "4", "name": "f", "input": {"arguments": "oops"}},
            ],
        },
        USER,
    ]


def test_pictures_and_files() -> None:
    parts = [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ"},
        },
        {"type": "document", "source": {"type": "text"}},
    ]
    assert body({"role": "user", "content": parts})["messages"][0]["content"] == [
        parts[0],
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"},
        },
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ"},
            "title": "a.pdf",
        },
        parts[4],
    ]


def test_settings_are_translated_or_go_through() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    native = {"type": "web_search_20250305", "name": "web_search"}
    sent = body(
        USER,
        tools=[tool, native],
        tool_choice="required",
        parallel_tool_calls=False,
        stop="END",
        thinking={"type": "enabled"},
        temperature=None,
        stream_options={"include_usage": True},
    )
    assert sent["tools"] == [{"name": "f", "input_schema": {"type": "object"}}, native]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert sent["stop_sequences"] == ["END"]
    assert sent["thinking"] == {"type": "enabled"}
    assert not {"temperature", "stop", "parallel_tool_calls", "stream_options"} & sent.keys()
    named = {"type": "function", "function": {"name": "f"}}
    assert body(USER, tool_choice=named)["tool_choice"] == {"type": "tool", "name": "f"}
    assert body(USER, tool_choice={"type": "any"})["tool_choice"] == {"type": "any"}
    assert body(USER, tool_choice="none")["tool_choice"] == {"type": "none"}


def usage(start: dict[str, Any], delta: dict[str, Any]) -> Usage | None:
    events = (
        {"type": "message_start", "message": {"id": "m", "usage": start}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": delta},
    )
    return end_of(fed(anthropic.Decoder(), *events)).usage


def test_our_input_counts_what_theirs_leaves_out() -> None:
    start = {
        "input_tokens": 20,
        "output_tokens": 1,
        "cache_read_input_tokens": 50,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    }
    assert usage(start, {"output_tokens": 7}) == Usage(
        input=100, output=7, cache_read=50, cache_write_5m=20, cache_write_1h=10
    )


def test_cache_writes_of_no_stated_lifetime_and_zeros() -> None:
    told = usage({"input_tokens": 0, "cache_creation_input_tokens": 5}, {"output_tokens": 0})
    assert told == Usage(input=5, output=0, cache_write_5m=5)
    assert usage({"input_tokens": 4}, {"output_tokens": 2}) == Usage(input=4, output=2)
    assert usage({"input_tokens": 4}, {"input_tokens": 6, "output_tokens": 2}) == Usage(
        input=6, output=2
    )


def test_usage_is_unknown_until_the_end_tells() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 4, "output_tokens": 1}}}
    assert end_of(fed(anthropic.Decoder(), start)).usage is None


def test_a_tool_call_without_arguments() -> None:
    block = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    event = {"type": "content_block_start", "index": 0, "content_block": block}
    assert [one.name for one in tools_of(fed(anthropic.Decoder(), event))] == ["f"]


def test_a_tool_call_says_at_once_that_the_answer_has_begun() -> None:
    decoder = anthropic.Decoder()
    block = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": "{}"}
    begun = {"type": "content_block_start", "index": 0, "content_block": block}
    rest = {"type": "content_block_delta", "index": 0, "delta": delta}
    for document in (begun, rest):
        assert decoder.feed(Event("message", json.dumps(document).encode())) == [Progress()]
    assert decoder.answer.finish()[0] == ToolCall(id="a", name="f", arguments="{}")


def test_errors_in_the_stream() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    with pytest.raises(ProviderError, match="Overloaded") as caught:
        fed(anthropic.Decoder(), {"type": "error", "error": error})
    assert (caught.value.code, caught.value.transient) == ("overloaded_error", True)


def test_events_of_the_future_are_nothing_to_worry_about() -> None:
    assert len(fed(anthropic.Decoder(), {"type": "tomorrow"}, {"type": "ping"})) == 1

"""The OpenAI protocol: what is sent, and what each provider's answers mean."""

import json
from typing import Any

import msgspec
import pytest

from airuns.server.models import openai
from airuns.server.models.call import Call, Endpoint, Progress, ProviderError, ToolCall, Usage
from airuns.server.models.sse import Event
from tests.models.calls import end_of, reasoning_of, text_of, tools_of
from tests.models.test_answer import chunk, fed


def body(name: str = "openai", **settings: Any) -> dict[str, Any]:
    endpoint = Endpoint(name=name, protocol="openai", base_url="http://x/v1", key="k")
    messages = [{"role": "user", "content": "Hi"}]
    call = Call(endpoint=endpoint, model="m", messages=messages, settings=settings)
    assert openai.body(call) == openai.body(call)
    return json.loads(openai.body(call))


def usage(**told: Any) -> Usage | None:
    return end_of(fed(openai.Decoder(), {"choices": [], "usage": told})).usage


def test_settings_go_through_untouched_and_null_ones_are_left_out() -> None:
    assert body(temperature=0, top_k=3, stop=None, mystery={"a": [1]}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "top_k": 3,
        "mystery": {"a": [1]},
        "stream": True,
    }


def test_settings_cannot_change_what_is_asked() -> None:
    sent = body(model="other", messages=[], stream=False)
    assert (sent["model"], len(sent["messages"]), sent["stream"]) == ("m", 1, True)


def test_usage_is_not_asked_for_where_the_question_is_refused() -> None:
    assert "stream_options" not in body("mistral")
    assert "stream_options" not in body(stream_options=None)
    assert body(stream_options={"include_usage": False})["stream_options"] == {
        "include_usage": False
    }


def test_cached_tokens_are_part_of_the_input_and_zero_is_zero() -> None:
    told = usage(
        prompt_tokens=100,
        completion_tokens=0,
        total_tokens=100,
        prompt_tokens_details={"cached_tokens": 0},
        completion_tokens_details={"reasoning_tokens": 0},
    )
    assert told == Usage(input=100, output=0, cache_read=0, reasoning=0)
    assert usage(prompt_tokens=100, completion_tokens=5) == Usage(input=100, output=5)


def test_reasoning_left_out_of_the_completion_is_part_of_the_output() -> None:
    xai = {"reasoning_tokens": 94}
    told = usage(
        prompt_tokens=32, completion_tokens=9, total_tokens=135, completion_tokens_details=xai
    )
    assert told == Usage(input=32, output=103, reasoning=94)


def test_other_names_of_cached_tokens_and_cache_writes() -> None:
    assert usage(prompt_tokens=9, completion_tokens=1, prompt_cache_hit_tokens=4) == Usage(
        input=9, output=1, cache_read=4
    )
    details: dict[str, Any] = {"cached_tokens": 1, "cache_write_tokens": 2}
    told = usage(prompt_tokens=9, completion_tokens=1, prompt_tokens_details=details)
    assert told == Usage(input=9, output=1, cache_read=1, cache_write_5m=2)
    details["cache_creation_token_details"] = {"ephemeral_1h_input_tokens": 2}
    told = usage(prompt_tokens=9, completion_tokens=1, prompt_tokens_details=details)
    assert told == Usage(input=9, output=1, cache_read=1, cache_write_1h=2)


def test_tool_calls_in_pieces_and_whole_ones_that_share_an_index() -> None:
    def piece(index: int, id_: str | None, arguments: str) -> dict[str, Any]:
        function = {"name": f"f{id_}" if id_ else None, "arguments": arguments}
        return chunk(tool_calls=[{"index": index, "id": id_, "function": function}])

    split = (piece(0, "a", ""), piece(1, "b", "{"), piece(0, None, "{}"), piece(1, None, "}"))
    whole = (piece(0, "a", "{}"), piece(0, "b", "{}"))
    repeated = (piece(0, "a", "{"), piece(0, "a", "}"))
    assert [(one.id, one.arguments) for one in tools_of(fed(openai.Decoder(), *split))] == [
        ("a", "{}"),
        ("b", "{}"),
    ]
    assert [one.id for one in tools_of(fed(openai.Decoder(), *whole))] == ["a", "b"]
    assert [one.arguments for one in tools_of(fed(openai.Decoder(), *repeated))] == ["{}"]


def test_a_tool_call_says_at_once_that_the_answer_has_begun() -> None:
    decoder = openai.Decoder()
    begun = chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}}])
    rest = chunk(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}])
    for document in (begun, rest):
        assert decoder.feed(Event("message", json.dumps(document).encode())) == [Progress()]
    assert decoder.answer.finish()[0] == ToolCall(id="a", name="f", arguments="{}")


def test_content_in_parts_refusals_and_only_the_first_choice() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    pieces = fed(
        openai.Decoder(),
        chunk(content=[thinking, {"type": "text", "text": "a"}]),
        {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        chunk(refusal="no"),
    )
    assert text_of(pieces) == "ano"
    assert reasoning_of(pieces) == "hm"


def test_an_unknown_field_is_nothing_to_worry_about() -> None:
    assert text_of(fed(openai.Decoder(), chunk(content="a", new=1) | {"future": [{}]})) == "a"


@pytest.mark.parametrize(
    ("error", "message", "code", "status", "transient"),
    [
        ({"message": "down", "code": 502}, "down", "502", 502, True),
        ({"message": "slow", "type": "rate_limit_error"}, "slow", "rate_limit_error", None, True),
        ({"message": "no", "code": "invalid"}, "no", "invalid", None, False),
        ("just text", "just text", None, None, False),
        ({}, "The provider reported an error without a message.", None, None, False),
    ],
)
def test_errors_in_the_stream(
    error: Any, message: str, code: str | None, status: int | None, transient: bool
) -> None:
    with pytest.raises(ProviderError) as caught:
        fed(openai.Decoder(), {"error": error})
    told = caught.value
    assert (told.message, told.code, told.status, told.transient) == (
        message,
        code,
        status,
        transient,
    )


def test_the_key_is_in_no_repr() -> None:
    endpoint = Endpoint(name="a", protocol="openai", base_url="http://x", key="sk-secret")
    call = Call(endpoint=endpoint, model="m", messages=[], settings={})
    assert "sk-secret" not in repr(endpoint) + repr(call) + str(msgspec.structs.asdict(call))

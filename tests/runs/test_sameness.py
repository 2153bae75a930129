"""A conversation that is sent again hashes as it did, however it is spelt; another one does not."""

import json
from typing import Any

import anthropic.types
import msgspec
import openai.types.chat
import openai.types.responses
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.events import Protocol
from airuns.server.models.reading import read_request, read_response
from airuns.server.runs.rules import chain_hashes, turn_of
from tests.models.wire import as_openai_says, completion

ASK: dict[str, Any] = {"role": "user", "content": "What is the weather in Paris?"}
MORE: dict[str, Any] = {"role": "user", "content": "And tomorrow?"}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris", "days": [1, 2]}'},
}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def digest(*messages: dict[str, Any]) -> bytes:
    return chain_hashes(None, [turn_of(message) for message in messages])[-1]


def known(protocol: Protocol, asked: dict[str, Any], answer: Any, again: dict[str, Any]) -> bool:
    """Whether the next request has the conversation that a request and its answer made."""
    body = msgspec.json.encode(answer)
    message = read_response(protocol, body, 200).message
    assert message is not None
    kept = [*read_request(protocol, asked).messages, message]
    sent = read_request(protocol, json.loads(json.dumps(again))).messages
    assert len(sent) > len(kept)
    return digest(*sent[: len(kept)]) == digest(*kept)


def chat_again(answer: dict[str, Any], *answered: Any) -> bool:
    return known(
        "openai.chat",
        {"messages": [ASK]},
        answer,
        {"messages": [ASK, *answered, MORE]},
    )


def test_what_openais_client_sends_again() -> None:
    answer = completion(as_openai_says("Sunny."))
    message = openai.types.chat.ChatCompletion.model_validate(answer).choices[0].message
    assert chat_again(answer, message.model_dump())
    assert chat_again(answer, message.model_dump(exclude_unset=True))
    assert chat_again(answer, {"content": "Sunny.", "role": "assistant"})
    assert chat_again(
        answer, {"role": "assistant", "content": [{"type": "text", "text": "Sunny."}]}
    )
    assert not chat_again(answer, {"role": "assistant", "content": "Sunny. "})


def test_calls_of_tools_that_openais_client_sends_again() -> None:
    said = as_openai_says("") | {"content": None, "tool_calls": [CALL]}
    answer = completion(said)
    message = openai.types.chat.ChatCompletion.model_validate(answer).choices[0].message
    assert chat_again(answer, message.model_dump())
    spaced = {"name": "get_weather", "arguments": '{"days":[1,2],"city":"Paris"}'}
    assert chat_again(
        answer, {"role": "assistant", "content": "", "tool_calls": [CALL | {"function": spaced}]}
    )
    for other in ('{"city": "Rome"}', "{}", '{"city": "Paris", "days": [1, 2], "x": null}', "oops"):
        call = CALL | {"function": {"name": "get_weather", "arguments": other}}
        assert not chat_again(answer, {"role": "assistant", "content": None, "tool_calls": [call]})


def test_reasoning_is_sent_again_or_not() -> None:
    answer = completion(as_openai_says("42") | {"reasoning_content": "Hm"})
    assert chat_again(answer, {"role": "assistant", "content": "42"})
    assert chat_again(answer, {"role": "assistant", "content": "42", "reasoning_content": "Hm"})


THINKING = {"type": "thinking", "thinking": "Paris…", "signature": "EqQBCkgIAhAB"}
TEXT = {"type": "text", "text": "Let me look.", "citations": None}
USE = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {
    "role": "user",
    "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": "Sunny"}],
}


@pytest.mark.parametrize("blocks", [[TEXT], [THINKING, TEXT], [THINKING, TEXT, USE], [USE], []])
def test_what_anthropics_client_sends_again(blocks: list[dict[str, Any]]) -> None:
    answer = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-20250514",
        "content": blocks,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 20},
    }
    message = anthropic.types.Message.model_validate(answer)
    objects = [block.model_dump() for block in message.content]
    unset = [block.model_dump(exclude_unset=True) for block in message.content]
    thoughtless = [block for block in blocks if block["type"] != "thinking"]
    marked = [block | {"cache_control": {"type": "ephemeral"}} for block in thoughtless]
    for content in (objects, unset, blocks, thoughtless, marked):
        again = {
            "system": [{"type": "text", "text": "Be kind."}],
            "messages": [ASK, {"role": "assistant", "content": content}, RESULT],
        }
        assert known("anthropic.messages", {"system": "Be kind.", "messages": [ASK]}, answer, again)


def test_what_openais_responses_client_sends_again() -> None:
    text = {"type": "output_text", "text": "Sunny.", "annotations": [], "logprobs": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f"}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "status": None},
        said | {"content": [text]},
        call | {"arguments": '{"a": 1}', "status": "completed"},
    ]
    answer = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1741476777,
        "status": "completed",
        "model": "gpt-4o",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    response = openai.types.responses.Response.model_validate(answer)
    easy = [{"role": "assistant", "content": "Sunny."}, call | {"arguments": '{"a":1}'}]
    asked = {"instructions": "Be kind.", "input": ASK["content"]}
    for again in (
        output,
        output[1:],
        [item.model_dump() for item in response.output],
        [item.model_dump(exclude_unset=True) for item in response.output],
        easy,
    ):
        result = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
        sent = {"instructions": "Be kind.", "input": [ASK, *again, result]}
        assert known("openai.responses", asked, answer, sent)


texts = st.text(max_size=8)
arguments = st.dictionaries(texts, st.none() | st.integers() | texts, max_size=3)
calls = st.lists(
    st.builds(
        lambda id_, name, given: {
            "id": id_,
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        },
        texts,
        texts,
        arguments,
    ),
    max_size=2,
)
parts = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, texts.filter(bool)),
        st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, texts),
    ),
    max_size=3,
)
plain = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]), "content": texts | parts},
    optional={"name": texts.filter(bool)},
)
answers = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": texts | parts}, optional={"tool_calls": calls}
)
messages = plain | answers
nothing = st.dictionaries(
    st.sampled_from(["refusal", "annotations", "audio", "function_call", "name"]),
    st.none() | st.builds(list[Any]),
)


def spelt_out(message: dict[str, Any]) -> dict[str, Any]:
    """Another spelling of a message."""
    told = dict(reversed(message.items()))
    if isinstance(told["content"], str) and told["content"]:
        told["content"] = [{"type": "text", "text": told["content"], "citations": None}]
    told["tool_calls"] = [
        {**call, "function": {**call["function"], "arguments": spaced(call)}}
        for call in message.get("tool_calls", [])
    ]
    return told


def spaced(call: dict[str, Any]) -> str:
    given = json.loads(call["function"]["arguments"])
    return json.dumps(dict(reversed(given.items())), indent=2, ensure_ascii=False)


def meaning(message: dict[str, Any]) -> Any:
    """What a message says, in one spelling."""
    content = message["content"]
    if isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text":
        content = content[0]["text"]
    given = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ]
    return message["role"], content or "", message.get("name"), given


@given(messages, nothing)
def test_a_message_is_the_same_however_it_is_spelt(
    message: dict[str, Any], more: dict[str, Any]
) -> None:
    assert digest(message) == digest(more | message) == digest(spelt_out(message))


@given(messages, messages)
def test_messages_that_say_something_else_are_others(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (digest(one) == digest(other)) == (meaning(one) == meaning(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}),
        ({"role": "user", "content": "a"}, {"role": "user", "content": "a "}),
        ({"role": "user", "content": "a"}, {"role": "user", "content": "a", "name": "Ann"}),
        ({"role": "user", "content": [PICTURE]}, {"role": "user", "content": []}),
        (
            {"role": "tool", "tool_call_id": "1", "content": "a"},
            {"role": "tool", "tool_call_id": "2", "content": "a"},
        ),
        (
            {"role": "tool", "tool_call_id": "1", "content": "a"},
            {"role": "tool", "tool_call_id": "1", "content": "a", "is_error": True},
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}] * 2},
            {"role": "user", "content": "aa"},
        ),
    ],
)
def test_what_tells_messages_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one) != digest(other)


def test_marks_for_caches_do_not_count() -> None:
    marked = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    assert digest({"role": "user", "content": [marked]}) == digest({"role": "user", "content": "a"})

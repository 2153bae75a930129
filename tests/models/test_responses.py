"""What is read of OpenAI's responses as they pass by."""

import json
from typing import Any

import msgspec
import pytest

from airuns.server.models import anthropic, openai
from airuns.server.models.call import Call, Endpoint, Usage
from airuns.server.models.reading import Answered, read_request, read_response
from tests.models.wire import sse

USAGE = {
    "input_tokens": 328,
    "input_tokens_details": {"cached_tokens": 128},
    "output_tokens": 52,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 380,
}
REASONING: dict[str, Any] = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "**Looking**"}],
    "encrypted_content": "gAAAAA",
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
CITATION = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 2,
    "url": "https://x",
    "title": "X",
}
TEXT = {"type": "output_text", "text": "It is sunny.", "annotations": [CITATION], "logprobs": []}
MESSAGE = {
    "id": "msg_67ccd2bf17f0819081ff3bb2cf6508e6",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [TEXT],
}
CALL: dict[str, Any] = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "arguments": '{"location":"Paris"}',
    "call_id": "call_1",
    "name": "get_weather",
}
CUSTOM = {
    "type": "custom_tool_call",
    "id": "ctc_1",
    "call_id": "call_2",
    "name": "sh",
    "input": "ls",
}
CALLED: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"location":"Paris"}'},
}


def response(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "object": "response",
        "created_at": 1741476542,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-4.1-2025-04-14",
        "output": [],
        "previous_response_id": None,
        "service_tier": "default",
        "usage": None,
        **more,
    }


def heard(body: Any) -> Answered:
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    return read_response("openai.responses", text, 200)


def test_a_whole_answer_is_one_message() -> None:
    answer = heard(response(output=[REASONING, SEARCH, MESSAGE, CALL, CUSTOM], usage=USAGE))
    custom = {"id": "call_2", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
    text = {"type": "text", "text": "It is sunny.", "annotations": [CITATION]}
    assert answer.message == {
        "role": "assistant",
        "content": [REASONING, SEARCH, text],
        "tool_calls": [CALLED, custom],
    }
    assert (answer.text, answer.reasoning) == ("It is sunny.", "**Looking**")
    assert answer.usage == Usage(input=328, output=52, cache_read=128, reasoning=12)
    assert answer.info == {
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "default",
        "finish_reason": "completed",
    }
    assert answer.complete


def streamed(*, whole: bool) -> str:
    added = MESSAGE | {"content": [], "status": "in_progress"}
    delta = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    at = "response.output_text.delta"
    end = response(output=[MESSAGE] if whole else [], usage=USAGE)
    return sse(
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": added},
        {"type": "response.content_part.added", **delta, "part": TEXT | {"text": ""}},
        {"type": at, **delta, "delta": "It is "},
        {"type": at, **delta, "delta": "sunny."},
        {"type": "response.output_text.done", **delta, "text": "It is sunny."},
        {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
        {"type": "response.completed", "response": end},
    )


@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_is_the_same_as_the_whole(whole: bool) -> None:
    assert heard(streamed(whole=whole)) == heard(response(output=[MESSAGE], usage=USAGE))


def test_a_stream_that_was_cut_keeps_what_came() -> None:
    body = streamed(whole=True)
    answer = heard(body[: body.index("event: response.output_text.done")])
    assert answer.message == {"role": "assistant", "content": "It is sunny."}
    assert (answer.text, answer.complete, answer.usage) == ("It is sunny.", False, None)
    assert answer.info["model"] == "gpt-4.1-2025-04-14"


def test_each_kind_of_item_is_put_together_as_far_as_it_came() -> None:
    def at(index: int, kind: str, delta: str) -> dict[str, Any]:
        return {"type": f"response.{kind}.delta", "output_index": index, "delta": delta}

    call = CALL | {"arguments": "", "status": "in_progress"}
    answer = heard(
        sse(
            at(0, "reasoning_summary_text", "H"),
            at(0, "reasoning_summary_text", "m"),
            at(1, "refusal", "No."),
            {"type": "response.output_item.added", "output_index": 2, "item": call},
            at(2, "function_call_arguments", '{"loc'),
            at(3, "custom_tool_call_input", "ls"),
            at(4, "reasoning_text", "so"),
            at(5, "code_interpreter_call_code", "1"),
        )
    )
    assert (answer.text, answer.reasoning) == ("No.", "Hm\n\nso")
    assert answer.tool_calls[0]["function"]["arguments"] == '{"loc'
    assert answer.tool_calls[1]["custom"]["input"] == "ls"
    assert answer.written == 'No.Hm\n\nsoget_weather{"locls'


def test_an_answer_that_failed_or_ended_early() -> None:
    error = {"code": "server_error", "message": "The model failed."}
    failed = heard(sse({"type": "response.failed", "response": response("failed", error=error)}))
    assert failed.error == {**error, "kind": "provider"}
    assert not failed.complete
    early = response(
        "incomplete", output=[MESSAGE], incomplete_details={"reason": "max_output_tokens"}
    )
    answer = heard(sse({"type": "response.incomplete", "response": early}))
    assert (answer.finish_reason, answer.complete) == ("max_output_tokens", True)
    told = {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None}
    assert heard(sse(told)).error == {
        "code": "rate_limit_exceeded",
        "message": "Slow down",
        "kind": "provider",
    }


def test_a_request_is_messages_of_the_chat() -> None:
    url = "data:image/png;base64,iVBORw0KGgo="
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": url, "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JV"},
        {"type": "input_image", "file_id": "file_1"},
    ]
    request = {
        "model": "gpt-4.1",
        "instructions": "Be kind.",
        "input": [
            {"role": "user", "content": content},
            REASONING,
            MESSAGE,
            CALL,
            {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"},
            {"type": "computer_call_output", "call_id": "c2", "output": {"image_url": url}},
            {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
            {"role": "developer", "content": "Be brief."},
        ],
        "previous_response_id": "resp_1",
        "temperature": 1,
    }
    asked = read_request("openai.responses", request)
    assert list(asked.request_data.items()) == [
        ("model", "gpt-4.1"),
        ("messages", None),
        ("previous_response_id", "resp_1"),
        ("temperature", 1),
    ]
    assert (asked.model, asked.previous_response_id) == ("gpt-4.1", "resp_1")
    text = {"type": "text", "text": "It is sunny.", "annotations": [CITATION]}
    file = {"file_data": "data:application/pdf;base64,JV", "filename": "a.pdf"}
    assert asked.messages == [
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
                {"type": "file", "file": file},
                content[3],
            ],
        },
        {"role": "assistant", "content": [REASONING, text], "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
        {"role": "tool", "tool_call_id": "c2", "content": [request["input"][5]]},
        {"role": "user", "content": [request["input"][6]]},
        {"role": "developer", "content": "Be brief."},
    ]
    bare = read_request("openai.responses", {"input": "Hi"})
    assert bare.messages == [{"role": "user", "content": "Hi"}]


def test_any_model_can_go_on_with_it() -> None:
    answer = heard(response(output=[REASONING, SEARCH, MESSAGE, CALL]))
    assert answer.message is not None

    def call(protocol: Any) -> Call:
        endpoint = Endpoint(name="openai", protocol=protocol, base_url="http://x/v1")
        messages = [{"role": "user", "content": "Hi"}, answer.message or {}]
        return Call(endpoint=endpoint, model="m", messages=messages, settings={})

    text = {"type": "text", "text": "It is sunny."}
    chat = json.loads(openai.body(call("openai")))["messages"]
    assert chat[1] == {"role": "assistant", "content": [text], "tool_calls": [CALLED]}
    use = {
        "type": "tool_use",
        "id": "call_1",
        "name": "get_weather",
        "input": {"location": "Paris"},
    }
    blocks = json.loads(anthropic.body(call("anthropic")))["messages"]
    assert blocks[1] == {"role": "assistant", "content": [text, use]}

"""What is read of OpenAI's chat completions and embeddings as they pass by."""

import copy
from typing import Any

import msgspec

from airuns.server.models.call import Usage
from airuns.server.models.reading import read_request, read_response
from tests.models.wire import as_openai_says, chunk, completion, sse

HELLO = "Hello! How can I assist you today?"
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
}


def answer(body: Any, status: int = 200) -> Any:
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    return read_response("openai.chat", text, status)


def test_a_request_is_its_messages_and_the_rest() -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    request = {"model": "gpt-4o", "messages": messages, "temperature": 0.5}
    before = copy.deepcopy(request)
    asked = read_request("openai.chat", request)
    assert (asked.model, asked.messages) == ("gpt-4o", messages)
    assert list(asked.request_data.items()) == [
        ("model", "gpt-4o"),
        ("messages", None),
        ("temperature", 0.5),
    ]
    assert request == before
    assert asked.messages[0] is messages[0]


def test_roles_are_those_that_a_run_has() -> None:
    sent = [
        {"role": "function", "name": "f", "content": "1"},
        {"role": "model", "content": "x"},
        "bare",
        {"content": None},
        7,
    ]
    asked = read_request("openai.chat", {"messages": sent})
    assert asked.messages == [
        {"role": "tool", "name": "f", "content": "1"},
        {"role": "user", "content": "x"},
        {"role": "user", "content": "bare"},
        {"role": "user", "content": None},
        {"role": "user", "content": ""},
    ]
    assert read_request("openai.chat", {"messages": "no", "model": 3}).messages == []


def test_a_whole_answer() -> None:
    heard = answer(completion(as_openai_says(HELLO)))
    assert heard.message == {"role": "assistant", "content": HELLO}
    assert (heard.text, heard.finish_reason, heard.complete) == (HELLO, "stop", True)
    assert heard.usage == Usage(input=19, output=10, cache_read=0, reasoning=4)
    assert heard.info == {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "default",
        "finish_reason": "stop",
    }
    assert (heard.error, heard.response_data, heard.tool_calls) == (None, None, [])


def test_a_stream_is_the_same_as_the_whole() -> None:
    usage = completion({})["usage"]
    body = sse(
        chunk({"role": "assistant", "content": "", "refusal": None}),
        *(chunk({"content": piece}) for piece in ("Hello! How ", "can I ", "assist you today?")),
        chunk({}, "stop"),
        chunk({}) | {"choices": [], "usage": usage},
        done=True,
    )
    heard = answer(body)
    assert heard.message == {"role": "assistant", "content": HELLO}
    assert heard.usage == Usage(input=19, output=10, cache_read=0, reasoning=4)
    assert heard.info["system_fingerprint"] == "fp_845eaabc1f"
    assert heard.complete


def test_tool_calls_of_a_stream_are_put_together() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    first = {"id": "call_1", "type": "function", **call(0, name="get_weather", arguments="")}
    second = {"id": "call_2", "type": "function", **call(1, name="now", arguments="{}")}
    body = sse(
        chunk({"role": "assistant", "content": None, "tool_calls": [first]}),
        chunk({"tool_calls": [call(0, arguments='{"city":')]}),
        chunk({"tool_calls": [call(0, arguments='"Paris"}')]}),
        chunk({"tool_calls": [second | {"extra_content": {"google": {"signature": "s"}}}]}),
        chunk({}, "tool_calls"),
        done=True,
    )
    heard = answer(body)
    assert heard.message["content"] is None
    assert heard.message["tool_calls"][0] == CALL
    assert heard.tool_calls[1]["extra_content"] == {"google": {"signature": "s"}}
    assert heard.response_data == {"tool_calls": heard.tool_calls}
    assert heard.written == 'get_weather{"city":"Paris"}now{}'


def test_a_stream_that_was_cut_keeps_what_came() -> None:
    whole = sse(chunk({"content": "One"}), chunk({"content": " two"}), chunk({}, "stop"))
    heard = answer(whole[: whole.index(" two")])
    assert (heard.text, heard.complete, heard.usage) == ("One", False, None)
    assert heard.error is None


def test_further_choices_are_kept_beside_the_first() -> None:
    body = sse(
        chunk({"content": "b"}, "stop", index=1),
        chunk({"content": "a"}, "stop", index=0),
        done=True,
    )
    heard = answer(body)
    assert heard.text == "a"
    [other] = heard.response_data["choices"]
    assert other["message"] == {"role": "assistant", "content": "b"}
    whole = completion(as_openai_says("a"))
    whole["choices"].append({"index": 1, "message": as_openai_says("b")})
    assert answer(whole).response_data == {"choices": whole["choices"][1:]}


def test_reasoning_is_told_in_three_ways() -> None:
    deepseek = sse(chunk({"reasoning_content": "Hm"}), chunk({"content": "42"}, "stop"))
    openrouter = completion({"role": "assistant", "content": "42", "reasoning": "Hm"})
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "H"}]}
    rest = {"type": "thinking", "thinking": [{"type": "text", "text": "m"}]}
    mistral = sse(
        chunk({"content": [thinking]}), chunk({"content": [rest]}), chunk({"content": "42"}, "stop")
    )
    for body in (deepseek, openrouter, mistral):
        heard = answer(body)
        assert (heard.text, heard.reasoning) == ("42", "Hm")
        assert heard.response_data == {"reasoning": "Hm"}


def test_a_refusal_is_the_text() -> None:
    heard = answer(completion({"role": "assistant", "content": None, "refusal": "I can't."}))
    assert heard.text == "I can't."
    assert heard.message == {"role": "assistant", "content": None, "refusal": "I can't."}


def test_an_error_keeps_the_providers_code_and_words() -> None:
    told = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
    heard = answer({"error": told}, 429)
    assert heard.error == {
        "code": "rate_limit_exceeded",
        "message": "Rate limit reached",
        "kind": "provider",
        "status": 429,
    }
    assert (heard.message, heard.complete) == (None, False)
    midway = answer(sse(chunk({"content": "On"}), {"error": {"message": "Overloaded"}}))
    assert (midway.text, midway.error["message"]) == ("On", "Overloaded")
    page = answer("<html>Bad gateway</html>", 502)
    assert (page.error["message"], page.error["status"]) == ("<html>Bad gateway</html>", 502)


def test_what_is_no_answer_is_an_error_and_never_raised() -> None:
    assert answer('{"choices": [').error["kind"] == "protocol"
    assert not answer("").complete
    assert answer("[1, 2]").error["kind"] == "protocol"


def test_texts_can_be_stored() -> None:
    halves = sse(chunk({"content": "a\0"}), chunk({"content": "@"}), chunk({"content": "#"}))
    heard = answer(halves.replace("@", "\\ud83d").replace("#", "\\ude00\\ud83d"))
    assert heard.text == "a\ufffd😀\ufffd" == heard.message["content"]
    sent = {"messages": [{"role": "user", "content": "a\0"}], "user": "\ud800"}
    asked = read_request("openai.chat", sent)
    assert asked.messages == [{"role": "user", "content": "a\ufffd"}]
    assert asked.request_data["user"] == "\ufffd"


def test_usage_that_is_half_wrong_is_half_kept() -> None:
    body = completion(as_openai_says("x"), usage={"prompt_tokens": 3.0, "completion_tokens": "x"})
    assert answer(body).usage == Usage(input=3)


def test_of_embeddings_the_vectors_are_counted() -> None:
    request = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    asked = read_request("openai.embeddings", request)
    assert (asked.messages, asked.request_data) == ([], request)
    vectors = [{"index": 0, "embedding": [0.1, 0.2, 0.3]}, {"index": 1, "embedding": [1, 2, 3]}]
    body = {"data": vectors, "model": "m", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    heard = read_response("openai.embeddings", msgspec.json.encode(body))
    assert heard.response_data == {"embeddings": {"count": 2, "dimensions": 3}}
    assert (heard.usage, heard.complete) == (Usage(input=8, output=0), True)
    assert heard.message is None
    body["data"] = [{"index": 0, "embedding": "AACAPwAAAEAAAEBA"}]
    coded = read_response("openai.embeddings", msgspec.json.encode(body))
    assert coded.response_data == {"embeddings": {"count": 1, "dimensions": 3}}

"""What is read of Anthropic's messages as they pass by, and that it goes back as it came."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import openai
from airuns.server.models.call import Call, Endpoint, Usage
from airuns.server.models.chat import anthropic_messages
from airuns.server.models.reading import read_request, read_response
from tests.models.wire import sse

MODEL = "claude-opus-4-20250514"
START = {
    "type": "message_start",
    "message": {
        "id": "msg_01EcyWo6m4hyW8KHs2y2pei5",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "cache_creation": {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60},
            "output_tokens": 1,
            "service_tier": "standard",
        },
    },
}
STOP: list[dict[str, Any]] = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 89},
    },
    {"type": "message_stop"},
]


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    told = [{"type": "content_block_delta", "index": index, "delta": each} for each in deltas]
    begin = {"type": "content_block_start", "index": index, "content_block": start}
    return [begin, *told, {"type": "content_block_stop", "index": index}]


def streamed() -> str:
    """A stream with all that a model gives: thoughts, a cited text, a call of a tool."""
    thinking = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Let me "},
        {"type": "thinking_delta", "thinking": "see."},
        {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"},
    )
    text = block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "I'll "},
        {"type": "text_delta", "text": "look."},
        {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}},
    )
    use = block(
        2,
        {
            "type": "tool_use",
            "id": "toolu_01T1x1fJ34qAmk2",
            "name": "weather",
            "input": {},
        },
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"city":'},
        {"type": "input_json_delta", "partial_json": ' "Paris"}'},
    )
    return sse(START, {"type": "ping"}, *thinking, *text, *use, *STOP)


def test_a_stream() -> None:
    heard = read_response("anthropic.messages", streamed(), 200)
    assert (heard.text, heard.reasoning) == ("I'll look.", "Let me see.")
    assert heard.message is not None
    thinking, text = heard.message["content"]
    assert thinking["signature"].startswith("EqQB")
    assert text["citations"] == [{"type": "char_location", "cited_text": "x"}]
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    call = {"id": "toolu_01T1x1fJ34qAmk2", "type": "function", "function": function}
    assert heard.tool_calls == heard.message["tool_calls"] == [call]
    assert heard.usage == Usage(
        input=1125, output=89, cache_read=1000, cache_write_5m=40, cache_write_1h=60
    )
    assert heard.info == {
        "id": "msg_01EcyWo6m4hyW8KHs2y2pei5",
        "model": MODEL,
        "service_tier": "standard",
        "finish_reason": "tool_use",
    }
    assert (heard.complete, heard.error) == (True, None)


def test_a_stream_that_was_cut_has_counted_only_the_input() -> None:
    body = streamed()
    heard = read_response("anthropic.messages", body[: body.index(' \\"Paris')])
    assert (heard.text, heard.complete) == ("I'll look.", False)
    assert heard.tool_calls[0]["function"]["arguments"] == '{"city":'
    assert heard.usage is not None
    assert (heard.usage.input, heard.usage.output) == (1125, None)


def test_a_whole_answer() -> None:
    body = START["message"] | {
        "content": [{"type": "text", "text": "Hi!", "citations": None}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2},
    }
    heard = read_response("anthropic.messages", msgspec.json.encode(body), 200)
    assert heard.message == {"role": "assistant", "content": "Hi!"}
    assert (heard.usage, heard.finish_reason) == (Usage(input=9, output=2), "end_turn")
    assert heard.complete


def test_errors() -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    refused = read_response("anthropic.messages", json.dumps(told), 529)
    assert refused.error == {
        "code": "overloaded_error",
        "message": "Overloaded",
        "kind": "provider",
        "status": 529,
    }
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "On"})
    midway = read_response("anthropic.messages", sse(START, *text, told), 200)
    assert (midway.text, midway.complete) == ("On", False)
    assert midway.error is not None
    assert midway.error["code"] == "overloaded_error"


def test_a_request_is_messages_of_the_chat() -> None:
    data = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    request = {
        "model": MODEL,
        "max_tokens": 1024,
        "system": "Be kind.",
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
                    {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                    {"type": "tool_result", "tool_use_id": "t2", "is_error": True},
                    {"type": "image", "source": data},
                    {"type": "document", "source": pdf, "title": "a.pdf"},
                ],
            },
        ],
    }
    asked = read_request("anthropic.messages", request)
    assert asked.request_data == {"model": MODEL, "max_tokens": 1024, "messages": None}

    def call(id_: str, given: str) -> dict[str, Any]:
        return {"id": id_, "type": "function", "function": {"name": "look", "arguments": given}}

    file = {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}
    assert asked.messages == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [call("t1", '{"a":1}'), call("t2", "{}")],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": "", "is_error": True},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "file", "file": file},
            ],
        },
    ]


def test_any_model_can_go_on_with_it() -> None:
    heard = read_response("anthropic.messages", streamed())
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    source = {"type": "text", "media_type": "text/plain", "data": "notes"}
    asked = read_request(
        "anthropic.messages",
        {
            "messages": [
                {"role": "user", "content": [marked, {"type": "document", "source": source}]},
                {"role": "user", "content": [{"type": "tool_result", "is_error": True}]},
            ]
        },
    )
    assert heard.message is not None
    messages = [*asked.messages, heard.message]

    def body(name: str) -> list[dict[str, Any]]:
        endpoint = Endpoint(name=name, protocol="openai", base_url="http://x/v1")
        call = Call(endpoint=endpoint, model="m", messages=messages, settings={})
        return json.loads(openai.body(call))["messages"]

    assert body("openai") == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "notes"}],
        },
        {"role": "tool", "tool_call_id": None, "content": ""},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I'll look."}],
            "tool_calls": heard.tool_calls,
        },
    ]
    assert body("openrouter")[0]["content"][0] == marked


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
marks = st.fixed_dictionaries(
    {}, optional={"cache_control": st.just({"type": "ephemeral", "ttl": "1h"})}
)
json_objects = st.dictionaries(names, st.none() | st.booleans() | st.integers() | names, max_size=3)


def blocks_of(kind: str, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    told = st.fixed_dictionaries({"type": st.just(kind), **given})
    return st.builds(lambda block, mark: block | mark, told, marks)


texts = blocks_of("text", text=names)
sources = st.one_of(
    st.builds(
        lambda media, data: {"type": "base64", "media_type": media, "data": data},
        st.sampled_from(["image/png", "application/pdf", "odd;a=b", "odd,"]),
        st.text("abAB=/", max_size=4),
    ),
    st.builds(
        lambda url: {"type": "url", "url": url}, st.sampled_from(["https://x/a.png", "data:,x"])
    ),
    st.builds(lambda id_: {"type": "file", "file_id": id_}, names),
    st.builds(lambda text: {"type": "text", "media_type": "text/plain", "data": text}, names),
)
images = blocks_of("image", source=sources)
documents = blocks_of("document", source=sources, title=names, context=names)
results = blocks_of(
    "tool_result",
    tool_use_id=names,
    content=names | st.lists(texts | images, min_size=1, max_size=2),
    is_error=st.booleans(),
)
thoughts = st.one_of(
    st.builds(lambda t: {"type": "thinking", "thinking": t, "signature": "s" + t}, names),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, names),
)
servers = st.one_of(
    blocks_of("server_tool_use", id=names, name=st.just("web_search"), input=json_objects),
    blocks_of("web_search_tool_result", tool_use_id=names, content=st.just([])),
)
uses = blocks_of("tool_use", id=names, name=names, input=json_objects)
user = st.builds(
    lambda content: {"role": "user", "content": content},
    names | st.lists(texts | images | documents | results, min_size=1, max_size=4),
)


def once(blocks: list[dict[str, Any]]) -> bool:
    ids = [each["id"] for each in blocks if each["type"] == "tool_use"]
    return len(ids) == len(set(ids))


assistant = st.builds(
    lambda content: {"role": "assistant", "content": content},
    names | st.lists(texts | thoughts | servers | uses, min_size=1, max_size=4).filter(once),
)
requests = st.fixed_dictionaries(
    {"messages": st.lists(user | assistant, max_size=4)},
    optional={"system": names | st.lists(texts, min_size=1, max_size=2)},
)


def turns(messages: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Messages as Anthropic takes them: a text is a block, and turns of one role are one."""
    told: list[tuple[str, list[Any]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if told and told[-1][0] == message["role"]:
            told[-1][1].extend(blocks)
        else:
            told.append((message["role"], list(blocks)))
    return told


@given(requests)
def test_a_request_goes_back_as_it_came(request: dict[str, Any]) -> None:
    before = msgspec.json.encode(request)
    asked = read_request("anthropic.messages", request)
    system, messages = anthropic_messages(asked.messages)
    assert turns(messages) == turns(request["messages"])
    assert (system or None) == request.get("system")
    assert msgspec.json.encode(request) == before

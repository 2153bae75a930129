"""What the conventions say, current and older, as events."""

import json

import pytest

from airuns.server.otlp.spans import Happening
from tests.otlp.told import called, event_of, messages_of, sorted_out, span

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
ROME = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
}
WHOLE = [
    *ASKED,
    {"role": "assistant", "content": "Let me see.", "tool_calls": [ROME]},
    {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
]
PARTS = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "A tool will know."},
            {"type": "text", "content": "Let me see."},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}},
        ],
    },
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
]
ANSWER = {
    "role": "assistant",
    "parts": [{"type": "reasoning", "content": "Easy."}, {"type": "text", "content": "Sunny."}],
    "finish_reason": "stop",
}
CURRENT = {"gen_ai.input.messages": PARTS, "gen_ai.output.messages": [ANSWER]}
CHAT = [
    *ASKED,
    {"role": "assistant", "content": "Let me see.", "tool_calls": [ROME]},
    {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
]


def flat(prefix: str, messages: list[dict[str, object]]) -> dict[str, object]:
    """Messages as the first conventions spell them, one attribute for each value."""
    found: dict[str, object] = {}
    for number, message in enumerate(messages):
        for name, value in message.items():
            found[f"{prefix}.{number}.{name}"] = value
    return found


FLAT = flat(
    "gen_ai.prompt",
    [
        *ASKED,
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls.0.id": "c1",
            "tool_calls.0.name": "weather",
            "tool_calls.0.arguments": '{"city":"Rome"}',
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
    ],
) | {
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Sunny.",
    "gen_ai.completion.0.finish_reason": "stop",
}
EVENTS = [
    Happening("gen_ai.system.message", 0, {"content": "Be brief."}),
    Happening("gen_ai.user.message", 0, {"content": "Weather?"}),
    Happening(
        "gen_ai.assistant.message",
        0,
        {"content": "Let me see.", "tool_calls": json.dumps([ROME])},
    ),
    Happening("gen_ai.tool.message", 0, {"content": "sunny", "id": "c1"}),
    Happening(
        "gen_ai.choice",
        0,
        {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": "Sunny."})},
    ),
]


@pytest.mark.parametrize(
    ("attributes", "happenings"),
    [
        (CURRENT, []),
        ({name: json.dumps(value) for name, value in CURRENT.items()}, []),
        (
            {
                "gen_ai.system_instructions": json.dumps(PARTS[0]["parts"]),
                "gen_ai.input.messages": json.dumps(PARTS[1:]),
                "gen_ai.output.messages": json.dumps([ANSWER]),
            },
            [],
        ),
        ({}, [Happening("gen_ai.client.inference.operation.details", 0, dict(CURRENT))]),
        (FLAT, []),
        ({"gen_ai.prompt": json.dumps(CHAT), "gen_ai.completion": "Sunny."}, []),
        ({}, EVENTS),
        (
            {},
            [
                Happening("gen_ai.content.prompt", 0, {"gen_ai.prompt": json.dumps(CHAT)}),
                Happening("gen_ai.content.completion", 0, {"gen_ai.completion": "Sunny."}),
            ],
        ),
        (
            {
                "events": json.dumps(
                    [{"event.name": each.name, **each.attributes} for each in EVENTS]
                )
            },
            [],
        ),
    ],
    ids=[
        *("structured", "json", "instructions", "details", "flat", "whole", "events", "contents"),
        "events-attribute",
    ],
)
def test_every_form_tells_the_same(
    attributes: dict[str, object], happenings: list[Happening]
) -> None:
    event = event_of(happenings=happenings, attributes=called(**attributes))
    assert messages_of(event) == WHOLE
    assert event.response is not None
    assert event.response.as_dict() == {"role": "assistant", "content": "Sunny."}
    assert event.response_text == "Sunny."
    assert event.run_id is None, "its messages say which run it is of"


def test_a_call_is_a_task_with_all_that_its_span_tells() -> None:
    one = span(
        attributes=called(
            **{
                **CURRENT,
                "gen_ai.conversation.id": "conv-1",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "weather"}]),
                "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
                "gen_ai.response.id": "resp-1",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.response.time_to_first_chunk": 0.25,
                "gen_ai.usage.input_tokens": 100,
                "gen_ai.usage.output_tokens": 0,
                "gen_ai.agent.name": "forecaster",
                "user.id": "ada",
                "tag.tags": ["one", "two"],
                "server.address": "api.openai.com",
                "deployment.ring": "blue",
            }
        ),
        parent_id=b"parent-1",
        service="weather-bot",
    )
    [(_, event)] = sorted_out([one]).calls
    assert (event.provider, event.model, event.service) == ("openai", "gpt-4.1-mini", "chat")
    assert event.task_name == "forecaster"
    assert event.request == {
        "temperature": 0.5,
        "tools": [{"type": "function", "name": "weather"}],
    }
    assert event.response_info == {
        "id": "resp-1",
        "model": "gpt-4.1-mini-2025-04-14",
        "finish_reason": "stop",
    }
    assert event.response_data == {"reasoning": "Easy."}
    assert (event.tokens_input, event.tokens_output) == (100, 0)
    assert event.tokens_cache_read is None, "unknown is not 0"
    assert (event.time_to_first_token, event.total_time) == (0.25, 1.5)
    assert (event.source_type, event.source_id) == ("custom", "weather-bot")
    assert (event.tags, event.metadata) == (["one", "two"], {"user_id": "ada"})
    assert event.endpoint == "api.openai.com"
    assert event.response_metadata is not None
    assert event.response_metadata["attributes"] == {
        "gen_ai.agent.name": "forecaster",
        "deployment.ring": "blue",
    }
    again = sorted_out([one]).calls[0][1]
    assert (again.id, again.run_id) == (event.id, event.run_id), "sent again it is the same"
    other = event_of(attributes=called(**{"session.id": "conv-1"}))
    assert other.run_id == event.run_id, "a session is a run, whatever it is called"


def test_a_trace_is_a_run_where_nothing_else_tells() -> None:
    trace = b"t" * 16
    events = [
        event
        for _, event in sorted_out(
            span(attributes=called(**CURRENT), trace_id=trace, parent_id=b"parent-1")
            for _ in range(2)
        ).calls
    ]
    assert events[0].run_id == events[1].run_id is not None
    assert events[0].id != events[1].id


def test_content_that_is_not_captured_is_unknown() -> None:
    event = event_of(attributes=called(**{"gen_ai.usage.input_tokens": 7}))
    assert (event.messages, event.response, event.response_text) == (None, None, None)
    assert event.tokens_input == 7
    assert event.run_id is not None
    assert event.name == "chat gpt-4.1-mini"


def test_an_error_is_told() -> None:
    raised = {
        "exception.type": "openai.RateLimitError",
        "exception.message": "slow down",
        "exception.stacktrace": "Traceback …",
    }
    event = event_of(
        happenings=[Happening("exception", 0, raised)],
        attributes=called(),
        is_error=True,
    )
    assert event.status == "error"
    assert event.response_errors == {
        "code": "openai.RateLimitError",
        "message": "slow down",
        "kind": "provider",
        "stacktrace": "Traceback …",
    }
    for kind, status in (("openai.APITimeoutError", "timeout"), ("CancelledError", "cancelled")):
        assert event_of(attributes=called(**{"error.type": kind})).status == status


def test_media_are_parts_of_a_message() -> None:
    asked = [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "What is it?"},
                {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "iVBO"},
                {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
                {"type": "file", "modality": "document", "file_id": "file-1"},
                {"type": "of-the-future", "value": 1},
            ],
        }
    ]
    event = event_of(attributes=called(**{"gen_ai.input.messages": asked}))
    assert messages_of(event) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "of-the-future", "value": 1},
            ],
        }
    ]


def test_what_cannot_be_kept_is_told() -> None:
    cut = json.dumps(PARTS)[:100]
    batch = sorted_out(
        [
            span(attributes=called(**{"gen_ai.input.messages": cut, "large": "x" * 5000})),
            span(attributes=called(), trace_id=b"short"),
        ]
    )
    [(_, event)] = batch.calls
    assert event.messages is None
    assert event.response_metadata is not None
    kept = event.response_metadata["attributes"]
    assert kept["gen_ai.input.messages"] == cut
    assert len(kept["large"]) == 2000
    assert batch.rejected == 1
    told = " ".join(batch.faults)
    assert "gen_ai.input.messages is no JSON" in told
    assert "attribute large is cut to 2000 of 5000" in told
    assert "no trace id of 16 bytes" in told


def test_texts_that_look_like_json_are_texts() -> None:
    asked = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "[1, 2, 3]"}
    event = event_of(attributes=called(**asked))
    assert messages_of(event) == [{"role": "user", "content": "[1, 2, 3]"}]


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        # OpenTelemetry and OpenAI: what was cached is part of the input
        (
            {"input_tokens": 100, "cache_read.input_tokens": 30, "output_tokens": 5},
            (100, 30, None, 5),
        ),
        # Anthropic's own counts, handed on as they are: more cached than input
        (
            {
                "input_tokens": 10,
                "cache_read_input_tokens": 70,
                "cache_creation_input_tokens": 20,
                "output_tokens": 5,
            },
            (100, 70, 20, 5),
        ),
        # the same with less cached than input, known by the source's own sum
        (
            {
                "prompt_tokens": 60,
                "cache_read_input_tokens": 40,
                "completion_tokens": 5,
                "total_tokens": 105,
            },
            (100, 40, None, 5),
        ),
        ({"input_tokens": 0, "output_tokens": 0}, (0, None, None, 0)),
        ({"input_tokens": -1, "output_tokens": 2**60}, (None, None, None, None)),
        ({"cache_read.input_tokens": 30}, (None, None, None, None)),
    ],
    ids=["included", "apart", "apart-by-sum", "zero", "impossible", "input-unknown"],
)
def test_tokens_are_counted_once(
    attributes: dict[str, int], counts: tuple[int | None, ...]
) -> None:
    usage = {f"gen_ai.usage.{name}": count for name, count in attributes.items()}
    event = event_of(attributes=called(**usage))
    assert counts == (
        event.tokens_input,
        event.tokens_cache_read,
        event.tokens_cache_write_5m,
        event.tokens_output,
    )


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, "calls"),
        ({"gen_ai.operation.name": "execute_tool"}, "uses"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}, "others"),
        ({"llm.request.type": "chat", "gen_ai.system": "OpenAI"}, "calls"),
        ({"gen_ai.system": "openai", "gen_ai.request.model": "m"}, "calls"),
        ({"gen_ai.tool.name": "weather"}, "uses"),
        ({"traceloop.span.kind": "tool"}, "uses"),
        ({"openinference.span.kind": "LLM"}, "calls"),
        ({"openinference.span.kind": "TOOL"}, "uses"),
        ({"openinference.span.kind": "CHAIN"}, "others"),
        ({"http.request.method": "GET"}, "others"),
    ],
)
def test_spans_are_told_apart(attributes: dict[str, object], kind: str) -> None:
    batch = sorted_out([span(attributes=attributes)])
    found = {"calls": len(batch.calls), "uses": len(batch.uses), "others": batch.others}
    assert found == {"calls": 0, "uses": 0, "others": 0, kind: 1}

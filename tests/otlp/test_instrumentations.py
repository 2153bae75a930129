"""The real instrumentation packages, calling the scripted provider: what they tell is understood.

They patch the packages that they instrument, so each test takes its patches away again.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anthropic
import openai
import pytest
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as Official
from opentelemetry.sdk.trace import TracerProvider
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from airuns.events import TaskEvent
from tests.otlp.told import Collected, messages_of, traced
from tests.provider import Script, ScriptedProvider, Tokens, Tool

USAGE = Tokens(input=100, output=20, cache_read=30, reasoning=5)
WEATHER = Tool(id="c1", name="weather", arguments=('{"city":', '"Rome"}'))
ASKS = Script(pieces=("Let me ", "see."), tools=(WEATHER,), usage=USAGE)
SAYS = Script(pieces=("It is ", "sunny."), usage=USAGE)
ROME = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
OPENAI_TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
ASKED: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
ANSWERED: Any = [
    {"role": "assistant", "content": "Let me see.", "tool_calls": [ROME]},
    {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
]


@pytest.fixture
def tracer() -> Generator[TracerProvider]:
    with traced() as provider:
        yield provider


@contextmanager
def instrumented(instrumentor: Any, tracer: TracerProvider) -> Iterator[Collected]:
    """Instrument in the block; what it told can be read afterwards too."""
    collected = Collected(tracer)
    instrumentor.instrument(tracer_provider=tracer)
    try:
        yield collected
    finally:
        instrumentor.uninstrument()


def told(collected: Collected) -> list[TaskEvent]:
    """The events of what was collected, all of which was understood."""
    batch = collected.batch()
    assert (batch.rejected, batch.faults) == (0, [])
    return [event for _, event in batch.calls]


def counts(event: TaskEvent) -> tuple[int | None, ...]:
    return (
        event.tokens_input,
        event.tokens_output,
        event.tokens_cache_read,
        event.tokens_cache_write_5m,
        event.tokens_reasoning,
    )


@pytest.mark.parametrize("kind", [OpenInference, Official], ids=["openinference", "official"])
def test_openai(
    kind: Any,
    provider: ScriptedProvider,
    tracer: TracerProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    provider.script("otlp-asks", ASKS)
    provider.script("otlp-says", SAYS)
    with (
        instrumented(kind(), tracer) as collected,
        openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client,
    ):
        chat: Any = client.chat.completions
        chat.create(model="otlp-asks", messages=ASKED, tools=OPENAI_TOOLS, temperature=0.5)
        usage = {"include_usage": True}
        stream = chat.create(
            model="otlp-says", messages=ASKED + ANSWERED, stream=True, stream_options=usage
        )
        list(stream)
        with suppress(openai.BadRequestError):
            chat.create(model="fail:400", messages=ASKED)
        client.embeddings.create(model="meanings", input=["one", "two"])
    asks, says, fails, embeds = told(collected)

    assert messages_of(asks) == ASKED
    assert asks.response is not None
    assert asks.response.as_dict() == ANSWERED[0]
    assert asks.request is not None
    assert asks.request["temperature"] == 0.5
    assert asks.request["tools"][0]["type"] == "function"
    assert (asks.provider, asks.model, asks.status) == ("openai", "otlp-asks", "completed")
    assert counts(asks) == (100, 20, 30, None, 5)
    assert asks.response_info is not None
    assert asks.response_info["finish_reason"] == "tool_calls"

    assert messages_of(says) == ASKED + ANSWERED, "what was answered comes again as it was"
    assert says.response_text == "It is sunny."
    assert says.time_to_first_token is not None
    assert says.total_time is not None
    assert 0 < says.time_to_first_token < says.total_time

    assert (fails.status, fails.model, fails.response) == ("error", "fail:400", None)
    assert fails.response_errors is not None
    assert "scripted failure" in fails.response_errors["message"]
    assert fails.response_errors["code"] == "openai.BadRequestError"

    assert (embeds.service, embeds.model, embeds.messages) == ("embeddings", "meanings", None)


def test_anthropic(provider: ScriptedProvider, tracer: TracerProvider) -> None:
    usage = Tokens(input=100, output=20, cache_read=30, cache_write_5m=10)
    provider.script("otlp-asks", Script(pieces=ASKS.pieces, tools=ASKS.tools, usage=usage))
    provider.script("otlp-says", Script(pieces=SAYS.pieces, usage=usage))
    first: list[Any] = [{"role": "user", "content": "Weather?"}]
    answered: list[Any] = [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Rome"}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "sunny"}],
        },
    ]
    tools: Any = [{"name": "weather", "input_schema": SCHEMA}]
    with (
        instrumented(AnthropicInstrumentor(), tracer) as collected,
        anthropic.Anthropic(base_url=provider.url, api_key="test", max_retries=0) as client,
    ):
        given: Any = {"max_tokens": 50, "system": "Be brief."}
        client.messages.create(model="otlp-asks", messages=first, tools=tools, **given)
        list(
            client.messages.create(
                model="otlp-says", messages=first + answered, stream=True, **given
            )
        )
        with suppress(anthropic.BadRequestError):
            client.messages.create(model="fail:400", messages=first, **given)
    asks, says, fails = told(collected)

    assert messages_of(asks) == ASKED
    assert asks.response is not None
    assert asks.response.content == "Let me see."
    assert messages_of(says) == [*ASKED, asks.response.as_dict(), ANSWERED[1]]
    assert says.response_text == "It is sunny."
    assert counts(asks) == counts(says) == (100, 20, 30, 10, None), "Anthropic's input is added up"
    assert (asks.provider, asks.model) == ("anthropic", "otlp-asks")
    assert asks.request == {"max_tokens": 50, "tools": tools}
    assert fails.status == "error"
    assert fails.response_errors is not None
    assert "scripted failure" in fails.response_errors["message"]


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
@pytest.mark.filterwarnings("ignore:Instrumentation format versions")
async def test_pydantic_ai(
    version: Any, provider: ScriptedProvider, tracer: TracerProvider
) -> None:
    collected = Collected(tracer)
    provider.script("otlp-agent", ASKS)
    async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="test") as client:
        model = OpenAIChatModel("otlp-agent", provider=OpenAIProvider(openai_client=client))
        agent = Agent(model, instructions="Be brief.", name="forecaster")
        agent.instrument = InstrumentationSettings(tracer_provider=tracer, version=version)

        @agent.tool_plain
        def weather(city: str) -> str:
            provider.script("otlp-agent", SAYS)
            return "sunny"

        assert (await agent.run("Weather?")).output == "It is sunny."
    batch = collected.batch()
    (_, asks), (_, says) = batch.calls
    [(_, use)] = batch.uses
    assert batch.others == 1, "the agent's own span"
    assert asks.run_id == says.run_id is not None
    assert messages_of(asks) == ASKED
    assert messages_of(says) == ASKED + ANSWERED
    assert says.response_text == "It is sunny."
    assert counts(asks) == (100, 20, 30, None, 5)
    assert asks.task_name == "forecaster"
    assert (use.update["function"], use.update["result"]) == (ROME["function"], "sunny")


async def test_pydantic_ai_with_anthropic(
    provider: ScriptedProvider, tracer: TracerProvider
) -> None:
    collected = Collected(tracer)
    usage = Tokens(input=100, output=20, cache_read=30, cache_write_5m=10)
    provider.script("otlp-claude", Script(pieces=("Hello.",), usage=usage))
    async with anthropic.AsyncAnthropic(base_url=provider.url, api_key="test") as client:
        source = AnthropicProvider(anthropic_client=client)
        agent = Agent(AnthropicModel("otlp-claude", provider=source))
        agent.instrument = InstrumentationSettings(tracer_provider=tracer)
        await agent.run("Hello?")
    [event] = told(collected)
    assert event.response_text == "Hello."
    assert counts(event) == (100, 20, 30, 10, None)
    assert event.provider == "anthropic"

"""The scripted provider speaks as the real ones do: their own clients understand it."""

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens, Tool

ASK = [{"role": "user", "content": "one two three"}]
WEATHER = Tool(id="call_1", name="weather", arguments=('{"city":', '"Bern"}'))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as running:
        yield running


@pytest.fixture(scope="module")
def gpt(server: ScriptedProvider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(server: ScriptedProvider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0) as client:
        yield client


def test_openai_streams_words_usage_and_tools(server: ScriptedProvider, gpt: openai.OpenAI) -> None:
    usage = Tokens(input=20, cache_read=5, reasoning=1)
    server.script("m", Script(pieces=("a", "b"), reasoning=("hm",), tools=(WEATHER,), usage=usage))
    with gpt.chat.completions.stream(
        model="m", messages=ASK, stream_options={"include_usage": True}
    ) as stream:
        answer = stream.get_final_completion()
    choice = answer.choices[0]
    assert choice.message.content == "ab"
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].function.arguments == '{"city":"Bern"}'
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (20, 2)
    assert answer.usage.prompt_tokens_details.cached_tokens == 5


def test_anthropic_streams_words_usage_and_tools(
    server: ScriptedProvider, claude: anthropic.Anthropic
) -> None:
    usage = Tokens(input=100, cache_read=50, cache_write_5m=20, cache_write_1h=10)
    server.script("m", Script(pieces=("a", "b"), reasoning=("hm",), tools=(WEATHER,), usage=usage))
    with claude.messages.stream(model="m", messages=ASK, max_tokens=9) as stream:
        answer = stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[1].text == "ab"
    assert answer.content[2].input == {"city": "Bern"}
    assert answer.stop_reason == "tool_use"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 2)
    assert answer.usage.cache_creation.ephemeral_1h_input_tokens == 10


def test_both_answer_whole_without_streaming(
    gpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    whole = gpt.chat.completions.create(model="echo", messages=ASK)
    assert whole.choices[0].message.content == "one two three"
    message = claude.messages.create(model="echo", messages=ASK, max_tokens=9)
    assert message.content[0].text == "one two three"


def test_failures_come_first_and_name_their_request(
    server: ScriptedProvider, gpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    failures = (Failure(status=429, retry_after="3", message="slow down"), Failure(status=500))
    server.script("m", Script(pieces=("ok",), failures=failures))
    with pytest.raises(openai.RateLimitError, match="slow down") as limited:
        gpt.chat.completions.create(model="m", messages=ASK)
    assert limited.value.response.headers["retry-after"] == "3"
    with pytest.raises(anthropic.InternalServerError):
        claude.messages.create(model="m", messages=ASK, max_tokens=9)
    assert gpt.chat.completions.create(model="m", messages=ASK).choices[0].message.content == "ok"
    with pytest.raises(openai.NotFoundError):
        gpt.chat.completions.create(model="nobody", messages=ASK)


def test_a_gate_holds_pieces_and_a_disconnect_is_seen(
    server: ScriptedProvider, gpt: openai.OpenAI
) -> None:
    gate = Gate()
    server.script("gated", Script(pieces=("a", "b", "c"), gate=gate))
    before = len(server.requests)
    stream = gpt.chat.completions.create(model="gated", messages=ASK, stream=True)
    texts = (chunk.choices[0].delta.content for chunk in stream)
    gate.open(2)
    assert [next(texts), next(texts), next(texts)] == ["", "a", "b"]
    request = server.request(before)
    assert not request.disconnected.is_set()
    stream.close()
    assert request.disconnected.wait(5)
    assert request.json["model"] == "gated"


def test_models_named_for_what_they_do(gpt: openai.OpenAI) -> None:
    def text(model: str) -> str:
        return gpt.chat.completions.create(model=model, messages=ASK).choices[0].message.content

    assert text("text:3") == "word0 word1 word2 "
    assert [number.isdigit() for number in text("clock:2").split()] == [True, True]
    with pytest.raises(openai.APIStatusError, match="scripted failure"):
        text("fail:503")


def test_a_demanded_key() -> None:
    with (
        ScriptedProvider(key="right") as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()

"""Wrapped clients answer as before, to the byte, and what they did is recorded."""

import asyncio
import contextvars
import gzip
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from pydantic import BaseModel

import airuns
from tests.client.receiver import Receiver
from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens, Tool

ASKED: list[Any] = [{"role": "user", "content": "say it"}]
WEATHER = Tool(id="call_1", name="weather", arguments=('{"city":', '"Rome"}'))


class Town(BaseModel):
    name: str


@pytest.fixture(scope="module")
def scripted() -> Generator[ScriptedProvider]:
    with ScriptedProvider() as provider:
        provider.script("m", Script(pieces=("It", " is", " said."), usage=Tokens(input=7)))
        provider.script("tools", Script(tools=(WEATHER,)))
        provider.script("json", Script(pieces=('{"name":', '"Rome"}')))
        provider.script("broken", Script(pieces=("a", "b"), cut_after=1))
        yield provider


def chat(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(model="m", messages=ASKED)


def chat_stream(client: openai.OpenAI) -> Any:
    return list(client.chat.completions.create(model="m", messages=ASKED, stream=True))


def chat_tools(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(model="tools", messages=ASKED)


def chat_parse(client: openai.OpenAI) -> Any:
    return client.chat.completions.parse(model="json", messages=ASKED, response_format=Town)


def chat_helper(client: openai.OpenAI) -> Any:
    with client.chat.completions.stream(model="m", messages=ASKED) as stream:
        return [event.type for event in stream], stream.get_final_completion()


def chat_raw(client: openai.OpenAI) -> Any:
    raw = client.chat.completions.with_raw_response.create(model="m", messages=ASKED)
    return type(raw), raw.content, raw.parse()


def chat_streaming_response(client: openai.OpenAI) -> Any:
    create = client.chat.completions.with_streaming_response.create
    with create(model="m", messages=ASKED) as response:
        return type(response), list(response.iter_lines())


def embeddings(client: openai.OpenAI) -> Any:
    return client.embeddings.create(model="meaning:4", input=["a"], encoding_format="float")


def failed(client: openai.OpenAI) -> Any:
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(model="fail:404", messages=ASKED)
    return type(error.value), error.value.body


def broken(client: openai.OpenAI) -> Any:
    with pytest.raises((httpx.HTTPError, httpx2.HTTPError, openai.APIConnectionError)) as error:
        list(client.chat.completions.create(model="broken", messages=ASKED, stream=True))
    return type(error.value)


@pytest.mark.parametrize(
    "use",
    [
        *(chat, chat_stream, chat_tools, chat_parse, chat_helper, chat_raw),
        *(chat_streaming_response, embeddings, failed, broken),
    ],
)
def test_openai_answers_as_before_and_is_recorded(
    use: Any, sdk: Receiver, scripted: ScriptedProvider
) -> None:
    def made() -> openai.OpenAI:
        return openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1", max_retries=0)

    with made() as plain, made() as other:
        wrapped = airuns.wrap(other)
        assert wrapped is other
        assert use(airuns.wrap(wrapped)) == use(plain)
    assert airuns.flush(10)
    [event] = sdk.events
    assert event["request"]["model"] in ("m", "tools", "json", "meaning:4", "fail:404", "broken")
    assert event["endpoint"].startswith(f"{scripted.url}/v1/")
    assert event["http_status"] == (404 if use is failed else 200)
    assert event["total_time"] > 0
    assert bool(event["error"]) == (use is broken)
    assert event["response"]


def test_anthropic_answers_as_before_and_is_recorded(
    sdk: Receiver, scripted: ScriptedProvider
) -> None:
    def made() -> anthropic.Anthropic:
        return anthropic.Anthropic(api_key="x", base_url=scripted.url, max_retries=0)

    def use(client: anthropic.Anthropic) -> list[Any]:
        given: Any = {"max_tokens": 9, "messages": ASKED}
        with client.messages.stream(model="m", **given) as stream:
            events, final = [event.type for event in stream], stream.get_final_message()
        beta = client.beta.messages.create(model="tools", **given)
        whole = client.messages.create(model="m", **given)
        return [
            events,
            final,
            beta,
            whole,
            list(client.messages.create(model="m", stream=True, **given)),
        ]

    with made() as plain, made() as wrapped:
        assert use(airuns.wrap(wrapped)) == use(plain)
    assert airuns.flush(10)
    assert {event["protocol"] for event in sdk.events} == {"anthropic.messages"}
    assert len(sdk.events) == 4
    assert all(event["status"] is None and event["response"] for event in sdk.events)


async def test_async_clients_answer_as_before_and_are_recorded(
    sdk: Receiver, scripted: ScriptedProvider
) -> None:
    def made() -> tuple[openai.AsyncOpenAI, anthropic.AsyncAnthropic]:
        return (
            openai.AsyncOpenAI(api_key="x", base_url=f"{scripted.url}/v1"),
            anthropic.AsyncAnthropic(api_key="x", base_url=scripted.url),
        )

    async def use(first: openai.AsyncOpenAI, second: anthropic.AsyncAnthropic) -> list[Any]:
        stream = await first.chat.completions.create(model="m", messages=ASKED, stream=True)
        got: list[Any] = [chunk async for chunk in stream]
        async with second.messages.stream(model="m", max_tokens=9, messages=ASKED) as events:
            got += [text async for text in events.text_stream]
        return [*got, await first.chat.completions.create(model="m", messages=ASKED)]

    plain, wrapped = made(), made()
    assert await use(*map(airuns.wrap, wrapped)) == await use(*plain)
    stream = await wrapped[0].chat.completions.create(model="m", messages=ASKED, stream=True)
    await anext(aiter(stream))
    await stream.close()
    waiting = asyncio.create_task(
        wrapped[0].chat.completions.create(model="silent", messages=ASKED)
    )
    await asyncio.to_thread(scripted.request, len(scripted.requests))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for client in (*plain, *wrapped):
        await client.close()
    assert await asyncio.to_thread(airuns.flush, 10)
    assert [event["status"] for event in sdk.events] == [None] * 3 + ["cancelled"] * 2


def test_a_stream_that_is_left_early_is_cancelled_and_what_came_is_kept(
    sdk: Receiver, scripted: ScriptedProvider
) -> None:
    scripted.script("long", Script(pieces=("one", "two", "three"), gate=(gate := Gate())))
    gate.open(2)
    with airuns.wrap(openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1")) as client:
        with client.chat.completions.create(model="long", messages=ASKED, stream=True) as stream:
            for chunk in stream:
                if chunk.choices[0].delta.content == "two":
                    break
        gate.open()
    assert airuns.flush(10)
    [event] = sdk.events
    assert event["status"] == "cancelled"
    assert '"two"' in event["response"]
    assert '"three"' not in event["response"]
    assert 0 < event["time_to_first_token"] <= event["total_time"]


def test_of_several_attempts_the_last_is_told(sdk: Receiver, scripted: ScriptedProvider) -> None:
    failures = (Failure(status=429, retry_after="0"), Failure(status=500, retry_after="0"))
    scripted.script("flaky", Script(pieces=("ok",), failures=failures))
    with airuns.wrap(openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1")) as client:
        derived = client.with_options(max_retries=5)
        assert derived.chat.completions.create(model="flaky", messages=ASKED)
    assert airuns.flush(10)
    [event] = sdk.events
    assert (event["http_status"], event["response_metadata"]) == (200, {"attempts": 3})


def test_what_another_client_does_on_the_same_connections_is_not_recorded(
    sdk: Receiver, scripted: ScriptedProvider
) -> None:
    with httpx.Client() as http:
        made = [
            openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1", http_client=http)
            for _ in range(2)
        ]
        airuns.wrap(made[0])
        for client in made:
            client.models.list()
            chat(client)
    assert airuns.flush(10)
    assert len(sdk.events) == 1


BODY = b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[]}'


@pytest.mark.parametrize("is_stream", [True, False])
def test_compressed_answers_are_recorded_as_text(is_stream: bool, sdk: Receiver) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        content = gzip.compress(BODY)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return httpx.Response(
            200, headers=headers, content=iter([content]) if is_stream else content
        )

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client: Any = openai.AzureOpenAI(
            api_key="x", azure_endpoint="http://a", api_version="1", http_client=http
        )
        client = airuns.wrap(client, provider="azure")
        assert client.chat.completions.create(model="m", messages=ASKED).id == "1"
    assert airuns.flush(10)
    [event] = sdk.events
    assert event["response"] == BODY.decode()
    assert event["endpoint"] == "http://a/openai/deployments/m/chat/completions"
    assert event["provider"] == "azure"


def test_calls_land_in_the_run_around_them_also_from_threads_and_tasks(
    sdk: Receiver, scripted: ScriptedProvider
) -> None:
    client = airuns.wrap(openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1"))
    with airuns.run("around") as run:
        chat(client)
        with airuns.run("within") as within:
            chat(client)
        assert airuns.current_run() is run
        with ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, chat, client).result()
    chat(client)
    client.close()
    assert airuns.flush(10)
    runs = [event["run_id"] for event in sdk.events if event["type"] == "call"]
    assert runs == [str(run.id), str(within.id), str(run.id), None]


def test_other_objects_are_not_wrapped() -> None:
    with pytest.raises(TypeError, match="httpx"):
        airuns.wrap(httpx.Client())


def test_a_recorder_that_fails_does_not_hurt_the_call(
    sdk: Receiver, scripted: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    client = airuns.wrap(openai.OpenAI(api_key="x", base_url=f"{scripted.url}/v1"))
    for place in ("Attempt.answered", "Attempt.came", "Attempt.end", "Scope.attempt"):
        monkeypatch.setattr(f"airuns.client.listening.{place}", fail)
        assert chat(client).choices[0].message.content == "It is said."
    client.close()

"""The clients that people have: by another base URL they get the same bytes, and are recorded."""

import subprocess
from collections.abc import Generator
from typing import Any

import anthropic
import httpx
import openai
import pydantic
import pytest

from tests.gateway.calling import CHAT, asking, shown, task, task_of, unique
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider, Tokens, Tool
from tests.serving import Served

WEATHER = Tool(id="call_1", name="weather", arguments=('{"city":', '"Bern"}'))
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


class City(pydantic.BaseModel):
    """What a structured answer is read into."""

    city: str


@pytest.fixture(scope="module")
def gpt(server: Served) -> Generator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=ALICE.key, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(server: Served) -> Generator[anthropic.Anthropic]:
    url, key = server.url, ALICE.key
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as client:
        yield client


BODIES = [
    (CHAT, asking("one two three")),
    (CHAT, asking("one two three", stream=True, stream_options={"include_usage": True})),
    (CHAT, asking("a", model="openai/tooled", stream=True, tools=TOOLS, future_field={"x": 1})),
    ("/v1/responses", {"model": "openai/echo", "input": "one two", "stream": True}),
    ("/v1/responses", {"model": "openai/echo", "input": "one two"}),
    ("/v1/embeddings", {"model": "openai/meaning:3", "input": ["a", "b"]}),
    ("/v1/messages", {**asking("one two"), "model": "anthropic/echo", "max_tokens": 9}),
    (
        "/v1/messages",
        {**asking("one two"), "model": "anthropic/echo", "max_tokens": 9, "stream": True},
    ),
    (
        "/v1/messages/count_tokens",
        {**asking("one two three"), "model": "anthropic/echo"},
    ),
    (CHAT, asking("x", model="openai/fail:400")),
    (CHAT, asking("x", model="openai/fail:500")),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_every_byte_is_the_provider_s(
    path: str, body: dict[str, Any], alice: httpx.Client, provider: ScriptedProvider
) -> None:
    """Only `provider/` is taken off the model's name; no other byte changes in either direction."""
    provider.script("tooled", Script(pieces=("a",), tools=(WEATHER,), usage=Tokens(input=3)))
    sent = httpx.Request("POST", "http://x", json=body).content
    direct = sent.replace(b'"openai/', b'"').replace(b'"anthropic/', b'"')
    head = {"content-type": "application/json", "x-unknown": "stays"}
    before = len(provider.requests)
    with httpx.Client(base_url=provider.url) as client:
        bare = client.post(path, content=direct, headers=head)
    through = alice.post(path, content=sent, headers=head)
    assert (through.status_code, through.content) == (bare.status_code, bare.content)
    assert shown(through) == shown(bare)
    straight, passed = provider.request(before), provider.request(before + 1)
    assert passed.body == straight.body
    assert passed.headers["x-unknown"] == "stays"


def test_what_providers_come_to_offer_passes_too(alice: httpx.Client) -> None:
    """The scripted provider tells unknown requests back."""
    sent = b'{"deep": {"model": "not this"}, "model" : "openai/whisper", "x": [1,  2]}'
    head = {"content-type": "application/json", "openai-beta": "assistants=v9"}
    answer = alice.post("/v1/audio/what%20ever?a=1&b=%2F", content=sent, headers=head)
    told = answer.json()
    assert answer.headers["x-told"] == "yes"
    assert told["path"] == "/v1/audio/what%20ever?a=1&b=%2F"
    assert told["body"] == sent.decode().replace('"openai/whisper"', '"whisper"')
    assert told["headers"]["openai-beta"] == "assistants=v9"
    assert "airuns-task-id" not in answer.headers


def test_files_go_to_the_provider_that_is_named(alice: httpx.Client) -> None:
    form = {"model": "openai/whisper-1"}
    answer = alice.post("/v1/audio/transcriptions", data=form, files={"file": b"RIFF"})
    assert 'name="model"\r\n\r\nwhisper-1\r\n' in answer.json()["body"]
    told = alice.get("/v1/files/file-1", headers={"airuns-provider": "openai"}).json()
    assert (told["method"], told["path"]) == ("GET", "/v1/files/file-1")
    refused = alice.get("/v1/files/file-1", headers={"airuns-provider": "nobody"})
    assert refused.status_code == 400
    assert "airuns-provider" not in told["headers"]


def test_no_key_of_ours_leaves_and_none_of_theirs_comes_back(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    before = len(provider.requests)
    head = {"cookie": "airuns_session=secret", "airuns-name": "Mine", "x-api-key": ALICE.key}
    answer = alice.post(CHAT, json=asking(unique()), headers=head)
    sent = provider.request(before).headers
    assert ALICE.key not in str(sent)
    assert not [name for name in sent if name.lower().startswith(("airuns", "cookie", "x-api"))]
    assert sent["Authorization"] == "Bearer test"
    assert "Bearer test" not in str(answer.headers)


def test_openai_s_client(gpt: openai.OpenAI, alice: httpx.Client) -> None:
    said = unique()
    given: list[Any] = [{"role": "user", "content": said}]
    whole = gpt.chat.completions.with_raw_response.create(model="openai/echo", messages=given)
    assert whole.parse().choices[0].message.content == said
    found = task_of(alice, whole.headers["airuns-task-id"])
    assert (found["status"], found["response_text"], found["model"]) == ("completed", said, "echo")
    assert found["run_id"] == whole.headers["airuns-run-id"]
    with gpt.chat.completions.stream(model="openai/echo", messages=given) as stream:
        assert stream.get_final_completion().choices[0].message.content == said
    assert gpt.responses.create(model="openai/echo", input=said).output_text == said
    with gpt.responses.stream(model="openai/echo", input=said) as responding:
        assert responding.get_final_response().output_text == said
    made = gpt.embeddings.create(model="openai/meaning:4", input=["a b"], encoding_format="float")
    assert len(made.data[0].embedding) == 4
    assert "openai/gpt-4o" in [model.id for model in gpt.models.list()]
    assert gpt.models.retrieve("openai/gpt-4o").owned_by == "openai"


def test_openai_s_client_with_tools_and_structure(
    gpt: openai.OpenAI, provider: ScriptedProvider, alice: httpx.Client
) -> None:
    provider.script("tools", Script(tools=(WEATHER,), usage=Tokens(input=3, output=4)))
    provider.script("city", Script(pieces=('{"city":', '"Bern"}')))
    given: list[Any] = [{"role": "user", "content": unique()}]
    called = gpt.chat.completions.with_raw_response.create(
        model="openai/tools", messages=given, tools=TOOLS
    )
    [call] = called.parse().choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.arguments == '{"city":"Bern"}'
    found = task_of(alice, called.headers["airuns-task-id"])
    assert (found["tokens_input"], found["tokens_output"]) == (3, 4)
    parsed = gpt.chat.completions.parse(model="openai/city", messages=given, response_format=City)
    assert parsed.choices[0].message.parsed == City(city="Bern")


async def test_openai_s_asynchronous_client(server: Served) -> None:
    said = unique()
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key=ALICE.key, max_retries=0
    ) as gpt:
        stream = await gpt.chat.completions.create(
            model="openai/echo", messages=[{"role": "user", "content": said}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == said


def test_anthropic_s_client(claude: anthropic.Anthropic, alice: httpx.Client) -> None:
    said = unique()
    given: Any = {
        "model": "anthropic/echo",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": said}],
    }
    whole = claude.messages.with_raw_response.create(**given)
    assert whole.parse().content[0].to_dict()["text"] == said
    found = task_of(alice, whole.headers["airuns-task-id"])
    assert (found["status"], found["response_text"]) == ("completed", said)
    with claude.messages.stream(**given) as stream:
        assert stream.get_final_text() == said
    del given["max_tokens"]
    assert claude.messages.count_tokens(**given).input_tokens == 2
    names = [model.id for model in claude.models.list()]
    assert names
    assert all(name.startswith("anthropic/") for name in names)


async def test_anthropic_s_asynchronous_client(server: Served) -> None:
    said = unique()
    async with anthropic.AsyncAnthropic(
        base_url=server.url, auth_token=ALICE.key, max_retries=0
    ) as claude:
        message = await claude.messages.create(
            model="anthropic/echo", max_tokens=9, messages=[{"role": "user", "content": said}]
        )
    assert message.content[0].to_dict()["text"] == said


def test_curl(server: Served, alice: httpx.Client) -> None:
    said = unique()
    body = (
        f'{{"model":"openai/echo","stream":true,"messages":[{{"role":"user","content":"{said}"}}]}}'
    )
    command = ["curl", "-sN", f"{server.url}{CHAT}", "-H", f"Authorization: Bearer {ALICE.key}"]
    answer = subprocess.run([*command, "-d", body], capture_output=True, text=True, check=True)
    assert answer.stdout.rstrip().endswith("data: [DONE]")
    found = alice.get("/api/runs", params={"q": said})
    assert found.status_code in (200, 422)


def test_a_compressed_request_is_read_and_passed_as_it_is(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    import gzip

    said = unique()
    packed = gzip.compress(
        httpx.Request("POST", "http://x", json=asking(said, model="echo")).content
    )
    head = {"content-encoding": "gzip", "content-type": "application/json"}
    head["airuns-provider"] = "openai"
    answer = alice.post(CHAT, content=packed, headers=head)
    assert answer.status_code == 200, answer.text
    assert task(alice, answer)["response_text"] == said


def test_an_answer_that_came_compressed_is_recorded(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    said = unique()
    before = len(provider.requests)
    head = {"accept-encoding": "br, gzip;q=0.5, zstd, *"}
    answer = alice.post(CHAT, json=asking(said), headers=head)
    assert provider.request(before).headers["Accept-Encoding"].strip() == "gzip;q=0.5"
    assert task(alice, answer)["response_text"] == said

"""Other programs in front of the gateway and behind it: pydantic-ai, uvicorn, the local model."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import openai
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.gateway.calling import CHAT, asking, messages, settled, task, text_of, unique
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider, Tool
from tests.serving import Served, environment, free_port, wait_until


async def test_an_agent_is_one_run(
    server: Served, alice: httpx.Client, provider: ScriptedProvider
) -> None:
    """Its call of a tool and what comes of it are in one conversation."""
    call = Tool(id="call_1", name="weather", arguments=('{"city":', '"Bern"}'))
    provider.script("agent", Script(tools=(call,)))
    url, name = f"{server.url}/v1", "openai/agent"
    async with openai.AsyncOpenAI(base_url=url, api_key=ALICE.key, max_retries=0) as client:
        model = OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
        agent = Agent(model)

        @agent.tool_plain
        def weather(city: str) -> str:  # pyright: ignore[reportUnusedFunction]
            provider.script("agent", Script(pieces=(f"Sunny in {city}.",)))
            return "sunny"

        said = unique("Weather")
        assert (await agent.run(said)).output == "Sunny in Bern."
    assert _roles(server, alice, said) == ["user", "assistant", "tool", "assistant"]


def _roles(server: Served, alice: httpx.Client, name: str) -> list[str]:
    settled(server, alice)
    [run] = alice.get("/api/runs", params={"q": name}).json()["items"]
    return [message["role"] for message in messages(alice, run["id"])]


UVICORN = """
import os, sys, uvicorn
from airuns.server.app import create_app
from airuns.server.settings import load
uvicorn.run(create_app(load(os.environ), None), port=int(sys.argv[1]), log_level="error")
"""


def test_uvicorn_serves_it_too(
    own_database_url: str, provider_env: dict[str, str], tmp_path: Path
) -> None:
    env = environment(tmp_path, AIRUNS_DATABASE_URL=own_database_url, **provider_env)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", UVICORN, str(port)]
    with (
        subprocess.Popen(command, env=env) as process,
        httpx.Client(base_url=url, headers=ALICE.headers) as client,
    ):
        wait_until(lambda: _is_ready(client), "uvicorn", 60)
        said = unique()
        assert text_of(client.post(CHAT, json=asking(said))) == said
        streamed = client.post(CHAT, json=asking(said, stream=True))
        assert streamed.text.rstrip().endswith("data: [DONE]")
        failed = client.post(CHAT, json=asking(said, model="openai/fail:500"))
        assert failed.status_code == 500
        assert client.get("/api/me").json()["username"] == "alice"
        process.send_signal(signal.SIGINT)
    assert not any((tmp_path / "spool").iterdir())


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def test_the_local_model_is_reached(serve: Callable[..., Served], own_database_url: str) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LOCAL_MODEL=None)
    with served.client(ALICE) as client:
        names = [model["id"] for model in client.get("/v1/models").json()["data"]]
        [name] = [each for each in names if each.startswith("local/")]
        for stream in (False, True):
            asked = asking("Hi", model=name, stream=stream, max_tokens=3)
            answer = client.post(CHAT, json=asked)
            assert answer.status_code == 200, answer.text
            assert answer.headers["airuns-model"] == name
        assert task(client, answer)["status"] == "completed"

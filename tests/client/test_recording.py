"""What programs record becomes runs on the server that people can open and go on with."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import anthropic
import openai
import pytest

import airuns
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider
from tests.serving import Served

pytestmark = pytest.mark.usefixtures("recorded")


@pytest.fixture
def client(server: Served) -> Iterator[airuns.Client]:
    with airuns.Client(server.url, ALICE.key) as client:
        yield client


def texts(client: airuns.Client, run_id: UUID) -> list[tuple[str, Any]]:
    return [(each.role, each.content) for each in client.runs.get(run_id).messages]


def test_a_run_is_tracked_step_by_step(client: airuns.Client) -> None:
    run = airuns.run("Trip", source_type="chat", source_id="web", tags=["sdk"], settings={"t": 0})
    run.add_message("user", "Where to?")
    task = run.create_task("gpt-4.1-mini", provider="openai", request={"temperature": 0})
    for word in ("To ", "Rome", "."):
        task.update(word)
    task.complete(tokens_input=9, tokens_output=3, cost=Decimal("0.25"))
    airuns.resume(run.id).add_message("user", "And then?")
    with airuns.resume(str(run.id)).task("gpt-4.1-mini") as later:
        later.update(response_text="Home.")
    assert airuns.flush(10)
    found = client.runs.get(run.id)
    assert (found.name, found.source_type, found.source_id) == ("Trip", "chat", "web")
    assert (found.tags, found.total_cost) == (["sdk"], "0.25")
    assert texts(client, run.id) == [
        ("user", "Where to?"),
        ("assistant", "To Rome."),
        ("user", "And then?"),
        ("assistant", "Home."),
    ]
    stored = client.tasks.get(task.id)
    assert (stored.status, stored.model, stored.tokens_total) == ("completed", "gpt-4.1-mini", 12)
    assert stored.time_to_first_token is not None


def test_an_answer_that_the_program_adds_itself_is_there_once(client: airuns.Client) -> None:
    run = airuns.run("By hand" * 100)
    run.add_message("user", "Hello")
    task = run.create_task("m")
    run.add_message("assistant", "Hi!", task=task)
    task.complete("Hi!")
    assert airuns.flush(10)
    assert texts(client, run.id) == [("user", "Hello"), ("assistant", "Hi!")]


def test_what_fails_in_a_block_is_told_and_raised(client: airuns.Client) -> None:
    def fail(run: airuns.Run, task: airuns.Task) -> None:
        with run, task:
            task.update("so far")
            assert airuns.current_task() is task
            raise ZeroDivisionError("by zero")

    run = airuns.run("Fails")
    task = run.create_task("m")
    with pytest.raises(ZeroDivisionError):
        fail(run, task)
    assert airuns.flush(10)
    assert client.runs.get(run.id).status == "error"
    stored = client.tasks.get(task.id)
    assert (stored.status, stored.response_text) == ("error", "so far")
    assert stored.response_errors == {"type": "ZeroDivisionError", "message": "by zero"}


async def test_tracked_functions_of_every_kind_are_tasks(server: Served) -> None:
    @airuns.track(model="m", provider="p")
    def plain(question: str) -> str:
        return question.upper()

    @airuns.track
    async def awaited(messages: list[dict[str, str]]) -> dict[str, int]:
        return {"answer": len(messages)}

    @airuns.track
    def pieces(question: str) -> Iterator[str]:
        got = yield "a"
        yield got or "b"

    @airuns.track
    async def pieces_async(question: str) -> AsyncIterator[str]:
        yield "c"
        yield "d"

    @airuns.track
    def fails(question: str) -> str:
        raise TimeoutError("late")

    async with airuns.run("Tracked") as run:
        assert plain("loud") == "LOUD"
        assert await awaited([{"role": "user", "content": "x"}]) == {"answer": 1}
        generator = pieces("in pieces")
        assert (next(generator), generator.send("z"), list(generator)) == ("a", "z", [])
        assert [piece async for piece in pieces_async("in pieces")] == ["c", "d"]
        left = pieces("left early")
        next(left)
        assert airuns.current_task() is None
        left.close()
        with pytest.raises(TimeoutError, match="late"):
            fails("too long")
    assert await asyncio.to_thread(airuns.flush, 10)
    async with airuns.AsyncClient(server.url, ALICE.key) as client:
        rows = [row async for row in client.tasks.list.all(run_id=run.id)]
        tasks = [await client.tasks.get(row.task_id) for row in reversed(rows)]
    assert [(task.task_name, task.status, task.response_text) for task in tasks] == [
        ("plain", "completed", "LOUD"),
        ("awaited", "completed", ""),
        ("pieces", "completed", "az"),
        ("pieces_async", "completed", "cd"),
        ("pieces", "cancelled", "a"),
        ("fails", "timeout", ""),
    ]
    assert (tasks[0].model, tasks[0].provider) == ("m", "p")
    assert tasks[1].response_data == {"answer": 1}


def test_conversations_of_wrapped_clients_become_runs(
    client: airuns.Client, provider: ScriptedProvider
) -> None:
    provider.script("poet", Script(pieces=("Roses", " are")))
    first = airuns.wrap(openai.OpenAI(api_key="test", base_url=f"{provider.url}/v1"))
    second = airuns.wrap(anthropic.Anthropic(api_key="test", base_url=provider.url))
    said: list[Any] = [{"role": "user", "content": "Begin a poem, wrapped client."}]
    for _ in range(2):
        for _chunk in first.chat.completions.create(model="poet", messages=said, stream=True):
            pass
        said += [{"role": "assistant", "content": "Roses are"}, {"role": "user", "content": "On!"}]
    second.messages.create(model="poet", max_tokens=9, messages=said)
    for each in (first, second):
        each.close()
    assert airuns.flush(10)
    [run] = client.runs.list(q="Begin a poem, wrapped client.").items
    assert texts(client, run.id) == [
        ("user", "Begin a poem, wrapped client."),
        ("assistant", "Roses are"),
        ("user", "On!"),
        ("assistant", "Roses are"),
        ("user", "On!"),
        ("assistant", "Roses are"),
    ]
    assert run.task_count == 3


def test_calls_and_tracking_share_the_run_around_them(
    client: airuns.Client, provider: ScriptedProvider
) -> None:
    wrapped = airuns.wrap(openai.OpenAI(api_key="test", base_url=f"{provider.url}/v1"))
    with airuns.run("Together") as run:
        wrapped.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "wrapped within"}]
        )
    wrapped.close()
    assert airuns.flush(10)
    assert client.runs.get(run.id).name == "Together"
    assert texts(client, run.id) == [("user", "wrapped within"), ("assistant", "wrapped within")]


def test_what_the_server_refuses_never_reaches_the_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = airuns.run("Odd")
    role: Any = "narrator"
    run.add_message(role, "Once upon a time")
    odd: Any = object()
    with run.task("m", messages=[{"content": "no role"}, odd], metadata={"odd": odd}) as task:
        task.update(tokens_input=-1)
    wrong: Any = {"tokens": 3}
    with run.task("m", **wrong) as task:
        task.update(**wrong)
    assert airuns.flush(10)
    assert caplog.text.count("An event is lost") == 1  # a minute
    assert caplog.text.count("was refused") >= 2

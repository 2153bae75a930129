"""The clients of the whole API: every route has a method, and errors are exceptions."""

import inspect
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from tools import client_types

import airuns
from airuns import errors
from airuns.client.endpoints import Call, endpoint, listing, streamed
from tests.people import ALICE
from tests.provider import Gate, Script, ScriptedProvider
from tests.serving import Served

METHODS = (endpoint, streamed, listing)


def calls() -> Iterator[Call[Any]]:
    """Yield what each method of the client asks for."""
    client = airuns.Client("http://127.0.0.1:1", "air_x")
    for part in vars(client).values():
        for method in vars(type(part)).values():
            if isinstance(method, METHODS):
                needed = [
                    "x"
                    for parameter in list(inspect.signature(method.build).parameters.values())[1:]
                    if parameter.default is parameter.empty
                    and parameter.kind is not parameter.VAR_KEYWORD
                ]
                yield method.build(part, *needed)
    client.close()


@pytest.fixture(scope="module")
def document(server: Served) -> dict[str, Any]:
    return httpx.get(f"{server.url}/docs/openapi.json").json()


def test_every_route_of_the_api_has_a_method(document: dict[str, Any]) -> None:
    asked = [(call.method, call.path) for call in calls()]
    missing = [
        f"{method} {path}"
        for method, path, _ in client_types.operations(document)
        if not any(
            method == used and re.fullmatch(re.sub(r"{[^}]+}", "x", path), at) for used, at in asked
        )
    ]
    assert missing == []


def test_the_types_are_those_of_the_openapi_document(document: dict[str, Any]) -> None:
    for path, text in client_types.files(document).items():
        assert path.read_text() == text, "python -m tools.client_types"


@pytest.fixture
def client(server: Served) -> Iterator[airuns.Client]:
    with airuns.Client(server.url, ALICE.key) as client:
        yield client


def test_a_prompt_is_saved_run_and_found_again(client: airuns.Client) -> None:
    prompt = client.prompts.create(
        name="Explain", messages=[{"role": "user", "content": "What is {{thing}}?"}]
    )
    result = client.runs.execute(
        prompt_id=prompt.id, variables={"thing": "a tide"}, model="openai/echo"
    )
    assert (result.status, result.response_text) == ("completed", "What is a tide?")
    assert result.run_id is not None
    run = client.runs.get(result.run_id)
    assert [message.content for message in run.messages] == ["What is a tide?"] * 2
    assert isinstance(run.id, UUID)
    [again] = client.prompts.history(prompt.id).items
    assert again.run_id == run.id
    assert client.runs.list(prompt_id=prompt.id).items[0].id == run.id
    assert b"What is a tide?" in b"".join(client.runs.export(run.id, format="text"))
    assert client.tasks.request(result.task_id).startswith(b"{")


def test_lists_are_iterated_page_by_page(client: airuns.Client) -> None:
    made = [client.runs.create(name=f"page {n}", tags=["paged"]).id for n in range(5)]
    assert len(client.runs.list(tag="paged", limit=2).items) == 2
    assert [run.id for run in client.runs.list.all(tag="paged", limit=2)] == made[::-1]


async def test_the_async_client_does_the_same(server: Served) -> None:
    async with airuns.AsyncClient(server.url, ALICE.key) as client:
        run = await client.runs.create(name="async", tags=["awaited"])
        assert (await client.runs.get(run.id)).name == "async"
        assert [row.id async for row in client.runs.list.all(tag="awaited")] == [run.id]
        asked = client.runs.follow(
            messages=[{"role": "user", "content": "one two"}], model="openai/echo"
        )
        events = [event async for event in asked]
        assert "".join(event.text for event in events) == "one two"
        result = events[-1].result
        assert result is not None
        assert result.status == "completed"
        with pytest.raises(errors.NotFound):
            await client.runs.get(UUID(int=1))


def test_a_stream_that_breaks_is_taken_up_where_it_was(
    server: Served, provider: ScriptedProvider
) -> None:
    provider.script("broken", Script(pieces=("a", "é", "c", "d"), gate=(gate := Gate())))
    gate.open(2)
    broken: list[str] = []

    class Breaking(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not broken:
                answer.stream = Cut(answer.stream)
            broken.append(request.url.path)
            return answer

    class Cut(httpx.SyncByteStream):
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __iter__(self) -> Iterator[bytes]:
            came = b""
            for piece in self.stream:
                came += piece
                yield piece
                if "é".encode() in came:
                    gate.open()
                    raise httpx.ReadError("cut")

        def close(self) -> None:
            self.stream.close()

    with airuns.Client(server.url, ALICE.key, transport=Breaking()) as client:
        asked = client.runs.follow(
            messages=[{"role": "user", "content": "go"}], model="openai/broken"
        )
        assert "".join(event.text for event in asked) == "aécd"
    assert len(broken) == 2
    assert broken[1].endswith("/events")


def test_what_the_server_refuses_is_an_exception_that_says_why(client: airuns.Client) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        client.runs.create(name="")
    assert refused.value.field == "name"
    with pytest.raises(errors.NotFound):
        list(client.tasks.events(UUID(int=1)))
    assert client.request("GET", "/healthz").json() == {"status": "ok"}


def test_a_wrong_key_is_unauthenticated(server: Served) -> None:
    with (
        airuns.Client(server.url, "air_wrong") as client,
        pytest.raises(errors.Unauthenticated),
    ):
        client.me.get()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), errors.Unavailable),
        (httpx.Response(429, json={"code": "budget_spent"}), errors.BudgetSpent),
        (httpx.Response(418), errors.AirunsError),
        (httpx.Response(200, text="[]"), errors.AirunsError),
        (httpx.ConnectError("refused"), errors.Unavailable),
    ],
)
def test_what_is_no_answer_of_the_server_is_an_exception_too(
    answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    with (
        airuns.Client("http://x", "air_x", transport=transport) as client,
        pytest.raises(kind),
    ):
        client.me.get()

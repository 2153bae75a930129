"""A conversation is known by its messages: what a client sends again lands in the same run."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.gateway.calling import (
    CHAT,
    asking,
    messages,
    metrics,
    settled,
    task,
    text_of,
    unique,
)
from tests.people import ALICE
from tests.serving import Served


def chat(client: httpx.Client, *texts: str, **more: Any) -> httpx.Response:
    """Ask with a whole conversation."""
    answer = client.post(CHAT, json=asking(*texts, **more))
    assert answer.status_code == 200, answer.text
    return answer


def test_a_client_that_sends_its_history_again_has_one_run(
    server: Served, alice: httpx.Client
) -> None:
    said: list[str] = []
    runs: set[str] = set()
    for turn in range(30):
        said.append(unique(f"Turn {turn}"))
        answer = chat(alice, *said)
        said.append(text_of(answer))
        runs.add(answer.headers["airuns-run-id"])
    settled(server, alice)
    [run_id] = runs
    found = messages(alice, run_id)
    assert [message["content"] for message in found] == said
    assert len(found) == 60


def test_streams_and_anthropic_s_messages_are_known_too(
    server: Served, alice: httpx.Client
) -> None:
    first = unique()
    stream = chat(alice, first, stream=True)
    again = chat(alice, first, first, unique())
    assert again.headers["airuns-run-id"] == stream.headers["airuns-run-id"]
    asked = asking(first, model="anthropic/echo", max_tokens=9, system="Be brief.")
    one = alice.post("/v1/messages", json=asked)
    texts = (first, one.json()["content"][0]["text"], unique())
    asked = asking(*texts, model="anthropic/echo", max_tokens=9, system="Be brief.")
    two = alice.post("/v1/messages", json=asked)
    assert two.headers["airuns-run-id"] == one.headers["airuns-run-id"]
    assert one.headers["airuns-run-id"] != stream.headers["airuns-run-id"]


def test_responses_are_known_by_the_id_that_they_go_on_from(alice: httpx.Client) -> None:
    asked = {"model": "openai/echo", "input": unique(), "stream": False}
    one = alice.post("/v1/responses", json=asked)
    more = {"model": "openai/echo", "input": unique(), "previous_response_id": one.json()["id"]}
    two = alice.post("/v1/responses", json=more)
    assert two.headers["airuns-run-id"] == one.headers["airuns-run-id"]


def test_an_edited_history_is_a_branch(server: Served, alice: httpx.Client) -> None:
    first, second, edited = unique(), unique(), unique("Edited")
    run_id = chat(alice, first).headers["airuns-run-id"]
    old = chat(alice, first, first, second)
    new = chat(alice, first, first, edited)
    assert {old.headers["airuns-run-id"], new.headers["airuns-run-id"]} == {run_id}
    settled(server, alice)
    ends = [task(alice, answer)["request_message_id"] for answer in (old, new)]
    lines = [
        alice.get(f"/api/runs/{run_id}/messages", params={"end": end}).json()["items"]
        for end in ends
    ]
    assert [[one["content"] for one in line] for line in lines] == [
        [first, first, second],
        [first, first, edited],
    ]


def test_the_same_first_request_again_is_another_version(alice: httpx.Client) -> None:
    first = unique()
    runs = {chat(alice, first).headers["airuns-run-id"] for _ in range(3)}
    assert len(runs) == 1
    assert chat(alice, unique()).headers["airuns-run-id"] not in runs


def test_the_database_knows_what_the_process_does_not(server: Served, alice: httpx.Client) -> None:
    """A run that came another way is found by a query while the provider is asked."""
    run = alice.post("/api/runs", json={"source_type": "chat", "name": "Elsewhere"}).json()
    question, answer = unique(), unique("Answer")
    for role, text in (("user", question), ("assistant", answer)):
        body = {"role": role, "content": text}
        assert alice.post(f"/api/runs/{run['id']}/messages", json=body).is_success
    went_on = chat(alice, question, answer, unique())
    assert went_on.headers["airuns-run-id"] == run["id"]


def test_headers_say_which_run_and_what_it_is(server: Served, alice: httpx.Client) -> None:
    run_id = str(uuid4())
    head = {
        "airuns-run-id": run_id,
        "airuns-source": "applet/weather",
        "airuns-name": "The weather",
        "airuns-tags": "red, green",
    }
    answer = alice.post(CHAT, json=asking(unique()), headers=head)
    assert answer.headers["airuns-run-id"] == run_id
    task(alice, answer)
    run = alice.get(f"/api/runs/{run_id}").json()
    assert (run["source_type"], run["source_id"], run["name"]) == (
        "applet",
        "weather",
        "The weather",
    )
    assert sorted(run["tags"]) == ["green", "red"]


@pytest.mark.parametrize(
    "head",
    [
        {"airuns-run-id": "mine"},
        {"airuns-source": "nonsense/x"},
        {"airuns-name": "x" * 101},
        {"airuns-on-disconnect": "explode"},
    ],
)
def test_a_wrong_header_is_refused_before_the_call(
    head: dict[str, str], alice: httpx.Client
) -> None:
    refused = alice.post(CHAT, json=asking(unique()), headers=head)
    assert refused.status_code == 400
    assert "airuns-" in refused.json()["error"]["message"]


def test_what_is_not_tracked_leaves_no_trace(server: Served, alice: httpx.Client) -> None:
    before = settled(server, alice)["served_total"]
    said = unique()
    answer = alice.post(CHAT, json=asking(said), headers={"airuns-track": "false"})
    assert text_of(answer) == said
    assert not [name for name in answer.headers if name in ("airuns-run-id", "airuns-task-id")]
    assert metrics(alice)["served_total"] == before
    spool = server.data_dir / "spool"
    assert not any(said.encode() in path.read_bytes() for path in spool.glob("*/0*"))


def test_another_user_s_run_cannot_be_joined(
    server: Served, alice: httpx.Client, bob: httpx.Client
) -> None:
    said = unique()
    run_id = chat(alice, said).headers["airuns-run-id"]
    head = {"airuns-run-id": run_id}
    foreign = bob.post(CHAT, json=asking(unique("Bob's")), headers=head)
    assert foreign.status_code == 200
    settled(server, alice)
    assert [one["content"] for one in messages(alice, run_id)] == [said, said]
    assert said not in str(messages(bob, run_id))
    known = bob.post(CHAT, json=asking(said, said, unique()))
    assert known.headers["airuns-run-id"] != run_id
    assert ALICE.key not in str(known.headers)

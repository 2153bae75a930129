"""A stream survives its viewers, and whoever comes back gets exactly the rest."""

import threading
from uuid import uuid4

import httpx
import psycopg
import pytest
from httpx import Client

from tests.people import ALICE
from tests.provider import Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, sse, stream, text_of, user
from tests.serving import wait_until

PIECES = tuple(f"piece {n} häß 😀\n" for n in range(8))


class SavedText:
    """What the database has of a task's text, whatever the server says."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, task_id: str) -> str:
        with psycopg.connect(self.url) as connection:
            connection.execute("set local role airuns_app")
            connection.execute(f"set local airuns.user_id = '{ALICE.user_id}'")
            row = connection.execute(
                "select response_text from airuns.ai_tasks where task_id = %s", (task_id,)
            ).fetchone()
        return row[0] if row else ""


@pytest.fixture
def saved_text(database_url: str) -> SavedText:
    return SavedText(database_url)


def start(client: Client, model: str) -> tuple[str, str]:
    """Begin an answer and close the stream at its first event, as a closed page does."""
    body = {"model": f"openai/{model}", "messages": [user("go")], "stream": True}
    with client.stream("POST", "/api/prompt/run", json=body) as response:
        event = next(sse(response))
    return event["run_id"], event["task_id"]


def shown(client: Client, task_id: str) -> str:
    return get(client, f"/api/tasks/{task_id}")["response_text"]


def rest(client: Client, task_id: str, have: int, count: int | None = None) -> str:
    """Rejoin with `have` characters, as a browser does, and read `count` characters, or all."""
    headers = {"Last-Event-ID": str(have)}
    text = ""
    with client.stream("GET", f"/api/tasks/{task_id}/events", headers=headers) as response:
        for event in sse(response):
            if event.name == "task.delta":
                assert event["offset"] == have + len(text)
                text += event["text"]
                if count is not None and len(text) >= count:
                    break
    return text


def test_reconnecting_at_every_piece_gives_exactly_the_text(
    alice: Client, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("reloaded", Script(pieces=PIECES, gate=gate))
    _, task_id = start(alice, "reloaded")
    text = ""
    for piece in PIECES:
        gate.open(1)
        text += rest(alice, task_id, len(text), len(piece))
        assert rest(alice, task_id, 0, len(text)) == text
    gate.open()
    assert text + rest(alice, task_id, len(text)) == "".join(PIECES)
    assert shown(alice, task_id) == "".join(PIECES)


def test_rejoining_an_ended_task_gives_the_rest_and_its_end(alice: Client) -> None:
    result = execute(alice, messages=[user("one two three")])
    path = f"/api/tasks/{result['task_id']}/events"
    for have in range(len("one two three") + 1):
        with alice.stream("GET", path, params={"offset": have}) as response:
            events = list(sse(response))
        assert text_of(events) == "one two three"[have:]
        assert events[-1].name == "task.completed"
    assert events[-1]["tokens_total"] == result["tokens_total"]


def test_an_answer_goes_on_without_viewers(alice: Client, provider: ScriptedProvider) -> None:
    gate = Gate()
    provider.script("left", Script(pieces=PIECES, gate=gate))
    run_id, task_id = start(alice, "left")
    assert get(alice, f"/api/runs/{run_id}")["running_tasks"] == [task_id]
    gate.open()
    wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "completed")
    run = get(alice, f"/api/runs/{run_id}")
    assert run["messages"][-1]["content"] == "".join(PIECES)
    assert run["running_tasks"] == []


def test_partial_text_is_saved_while_it_streams(
    alice: Client, provider: ScriptedProvider, saved_text: SavedText
) -> None:
    gate = Gate()
    provider.script("flushed", Script(pieces=PIECES, gate=gate))
    _, task_id = start(alice, "flushed")
    gate.open(3)
    wait_until(lambda: saved_text(task_id) == "".join(PIECES[:3]))
    gate.open(2)
    wait_until(lambda: saved_text(task_id) == "".join(PIECES[:5]))
    gate.open()
    wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "completed")


def test_stop_closes_the_provider_and_keeps_what_came(
    alice: Client, provider: ScriptedProvider
) -> None:
    provider.script("endless", Script(endless=True, delay=0.001))
    run_id, task_id = start(alice, "endless")
    wait_until(lambda: len(shown(alice, task_id)) > 20)
    [request] = [each for each in provider.requests if each.json["model"] == "endless"]
    stopped = alice.post(f"/api/tasks/{task_id}/cancel").json()
    assert stopped["status"] == "cancelled"
    assert request.disconnected.wait(5)
    assert len(stopped["response_text"]) > 20
    assert stopped["usage_estimated"] is True
    assert stopped["tokens_output"] > 0
    run = get(alice, f"/api/runs/{run_id}")
    assert run["messages"][-1]["content"] == stopped["response_text"]
    assert run["messages"][-1]["metadata"] == {"status": "cancelled"}
    again = alice.post(f"/api/tasks/{task_id}/cancel").json()
    assert again["response_text"] == stopped["response_text"]


def test_stop_before_the_first_token(alice: Client, provider: ScriptedProvider) -> None:
    _, task_id = start(alice, "silent")
    assert alice.post(f"/api/tasks/{task_id}/cancel").json()["status"] == "cancelled"
    task = get(alice, f"/api/tasks/{task_id}")
    assert (task["tokens_total"], task["cost"], task["time_to_first_token"]) == (None, None, None)


def test_two_writers_of_one_run_keep_both_lines(alice: Client, provider: ScriptedProvider) -> None:
    gates = {name: Gate() for name in ("tab-1", "tab-2")}
    for name, gate in gates.items():
        provider.script(name, Script(pieces=(f"answer of {name}",), gate=gate))
    run_id = execute(alice, messages=[user("start")])["run_id"]
    answers: dict[str, list[object]] = {}

    def send(name: str) -> None:
        answers[name] = stream(
            alice, run_id=run_id, model=f"openai/{name}", messages=[user(f"question of {name}")]
        )

    tabs = [threading.Thread(target=send, args=(name,)) for name in gates]
    for tab in tabs:
        tab.start()
    wait_until(lambda: len(get(alice, f"/api/runs/{run_id}")["running_tasks"]) == 2)
    for gate in gates.values():
        gate.open()
    for tab in tabs:
        tab.join(10)
    run = get(alice, f"/api/runs/{run_id}")
    assert run["message_count"] == 6
    versions = run["messages"][2]["versions"]
    assert len(versions) == 2
    lines = []
    for version in versions:
        turned = alice.patch(f"/api/runs/{run_id}", json={"head_message_id": version}).json()
        lines.append([each["content"] for each in turned["messages"][2:]])
    assert sorted(lines) == [
        ["question of tab-1", "answer of tab-1"],
        ["question of tab-2", "answer of tab-2"],
    ]


def test_a_submission_sent_twice_at_once_runs_once(
    alice: Client, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("doubled", Script(pieces=("once",), gate=gate))
    task_id = str(uuid4())
    results: list[list[object]] = []

    def send() -> None:
        results.append(
            stream(alice, task_id=task_id, model="openai/doubled", messages=[user("go")])
        )

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    provider_calls = lambda: [r for r in provider.requests if r.json["model"] == "doubled"]  # noqa: E731
    wait_until(lambda: len(provider_calls()) == 1)
    gate.open()
    for sender in senders:
        sender.join(10)
    assert [text_of(each) for each in results] == ["once"] * 4
    assert len(provider_calls()) == 1


def test_another_user_cannot_follow_stop_or_retry(
    alice: Client, charlie: Client, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("private", Script(pieces=PIECES, gate=gate))
    _, task_id = start(alice, "private")
    missing = str(uuid4())

    def answers(identifier: str) -> list[tuple[int, object]]:
        calls: list[httpx.Response] = [
            charlie.get(f"/api/tasks/{identifier}"),
            charlie.get(f"/api/tasks/{identifier}/events"),
            charlie.get(f"/api/tasks/{identifier}/request"),
            charlie.post(f"/api/tasks/{identifier}/cancel"),
            charlie.post(f"/api/tasks/{identifier}/retry"),
        ]
        return [(each.status_code, each.text.replace(identifier, "ID")) for each in calls]

    assert answers(task_id) == answers(missing)
    assert {status for status, _ in answers(task_id)} == {404}
    gate.open()
    wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "completed")


def test_an_untracked_call_sent_twice_at_once_runs_once(
    alice: Client, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("untracked-twice", Script(pieces=("one ", "answer"), gate=gate))
    body = {
        "task_id": str(uuid4()),
        "track": False,
        "model": "openai/untracked-twice",
        "messages": [user("go")],
    }
    texts: list[str] = []

    def send() -> None:
        texts.append(text_of(stream(alice, **body)))

    senders = [threading.Thread(target=send) for _ in range(2)]
    senders[0].start()
    wait_until(lambda: [r for r in provider.requests if r.json["model"] == "untracked-twice"])
    senders[1].start()
    gate.open()
    for sender in senders:
        sender.join(10)
    assert texts == ["one answer"] * 2


def test_deleting_a_run_stops_what_is_being_written_in_it(
    alice: Client, provider: ScriptedProvider
) -> None:
    provider.script("deleted", Script(endless=True, delay=0.001))
    run_id, task_id = start(alice, "deleted")
    assert alice.delete(f"/api/runs/{run_id}").status_code == 204
    [request] = [each for each in provider.requests if each.json["model"] == "deleted"]
    assert request.disconnected.wait(5)
    alice.post(f"/api/runs/{run_id}/restore")
    assert get(alice, f"/api/tasks/{task_id}")["status"] == "cancelled"


def test_line_separators_of_unicode_do_not_break_an_event(alice: Client) -> None:
    text = "a\u2028b\u2029c\x85d"
    assert text_of(stream(alice, messages=[user(text)])) == text

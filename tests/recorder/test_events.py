"""POST /api/events: runs, messages, tasks and calls of programs come in, in any order, once."""

import gzip
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from httpx import Client

from tests.recorder.telling import call, run_of, said, task, tell, texts, told
from tests.runs.calling import get, problem


def test_a_task_with_its_conversation_becomes_a_run(alice: Client) -> None:
    event = task(
        said("system", "Be brief"),
        said("user", "What is a run? Say it shortly."),
        answer="A conversation.",
        tokens_input=20,
        tokens_output=4,
        total_time=0.5,
        time_to_first_token=0.1,
        request={"temperature": 0.2},
        at="2026-11-01T10:00:00Z",
        source_type="applet",
        source_id="glossary",
        tags=["told"],
    )
    assert told(alice, event) == {"stored": 1, "waiting": 0, "refused": []}
    run = run_of(alice, event["id"])
    assert texts(run) == ["Be brief", "What is a run? Say it shortly.", "A conversation."]
    assert (run["name"], run["source_type"], run["source_id"]) == (
        "What is a run?",
        "applet",
        "glossary",
    )
    assert (run["message_count"], run["task_count"], run["total_tokens"]) == (3, 1, 24)
    assert run["settings"] == {"model": "openai/gpt-4o", "temperature": 0.2}
    assert run["tags"] == ["told"]
    stored = get(alice, f"/api/tasks/{event['id']}")
    assert (stored["status"], stored["tokens_total"]) == ("completed", 24)
    assert Decimal(stored["cost"]) == Decimal(run["total_cost"]) == Decimal("0.00009")
    assert stored["completed_at"] == "2026-11-01T10:00:00.500000Z"
    request = alice.get(f"/api/tasks/{event['id']}/request").json()
    assert request == {
        "model": "gpt-4o",
        "temperature": 0.2,
        "messages": event["messages"],
    }


def test_telling_it_again_changes_nothing(alice: Client) -> None:
    event = task(said("user", "Once"), answer="Once.", tokens_input=3, tokens_output=1)
    told(alice, event, event)
    run = run_of(alice, event["id"])
    told(alice, event)
    assert run_of(alice, event["id"]) == {
        **run,
        "updated_at": run_of(alice, event["id"])["updated_at"],
    }
    assert (run["message_count"], run["task_count"], run["total_tokens"]) == (2, 1, 4)


def test_a_conversation_that_is_sent_again_goes_on_in_its_run(alice: Client) -> None:
    mark = uuid4().hex
    messages = [said("system", "The same for all"), said("user", f"First {mark}")]
    first = call(*messages, answer="One")
    told(alice, first)
    messages += [said("assistant", "One", refusal=None, annotations=[]), said("user", "Second")]
    second = call(*messages, answer="Two")
    third = call(*messages, said("assistant", "Two"), said("user", "Third"), answer="Three")
    told(alice, second, third)
    run = run_of(alice, first["id"])
    assert texts(run) == [
        "The same for all",
        f"First {mark}",
        "One",
        "Second",
        "Two",
        "Third",
        "Three",
    ]
    assert {run_of(alice, each["id"])["id"] for each in (first, second, third)} == {run["id"]}
    assert (run["message_count"], run["task_count"]) == (7, 3)


def test_an_edited_history_branches_and_a_first_question_begins_anew(alice: Client) -> None:
    mark = uuid4().hex
    begin = [said("user", f"Where {mark}"), said("assistant", "Here")]
    first = task(begin[0], answer="Here")
    went_on = task(*begin, said("user", "And then?"), answer="There")
    edited = task(*begin, said("user", "And before?"), answer="Nowhere")
    same = task(begin[0], answer="Elsewhere")
    for event in (first, went_on, edited, same):
        told(alice, event)
    run = run_of(alice, first["id"])
    assert texts(run) == [f"Where {mark}", "Here", "And before?", "Nowhere"]
    assert run["message_count"] == 6
    assert run_of(alice, same["id"])["id"] != run["id"]


def test_calls_that_come_in_the_wrong_order_are_one_line(alice: Client) -> None:
    run_id, mark = str(uuid4()), uuid4().hex
    first = call(said("user", mark), answer="One", run_id=run_id, at="2026-11-01T10:00:00Z")
    second = call(
        said("user", mark),
        said("assistant", "One"),
        said("user", "Two?"),
        answer="Two",
        run_id=run_id,
        at="2026-11-01T10:01:00Z",
    )
    told(alice, second)
    told(alice, first)
    run = get(alice, f"/api/runs/{run_id}")
    assert texts(run) == [mark, "One", "Two?", "Two"]
    assert (run["message_count"], run["task_count"]) == (4, 2)
    assert [m["task_id"] for m in run["messages"]] == [None, first["id"], None, second["id"]]


def test_messages_and_tasks_wait_for_what_they_name(alice: Client) -> None:
    run_id, question, follow, task_id = (str(uuid4()) for _ in range(4))
    later = {
        "type": "message",
        "id": follow,
        "run_id": run_id,
        "parent_id": task_id,
        "message": said("user", "And?"),
    }
    asked = task(run_id=run_id, request_message_id=question, answer="Yes.") | {"id": task_id}
    assert told(alice, later, asked)["waiting"] == 2
    assert alice.get(f"/api/runs/{run_id}").status_code == 404
    told(
        alice,
        {
            "type": "message",
            "id": question,
            "run_id": run_id,
            "parent_id": None,
            "message": said("user", "Is it?"),
        },
    )
    run = get(alice, f"/api/runs/{run_id}")
    assert texts(run) == ["Is it?", "Yes.", "And?"]
    assert (run["message_count"], run["task_count"]) == (3, 1)


def test_a_task_is_told_bit_by_bit(alice: Client) -> None:
    run_id, task_id, question = (str(uuid4()) for _ in range(3))
    told(
        alice,
        {"type": "run", "id": run_id, "name": "Bit by bit", "source_type": "workflow"},
        {"type": "message", "id": question, "run_id": run_id, "message": said("user", "Go")},
        task(run_id=run_id, request_message_id=question, status="pending") | {"id": task_id},
    )
    bare = {"type": "task", "id": task_id, "run_id": run_id}
    told(alice, {**bare, "status": "streaming", "response_text": "Goi"})
    assert get(alice, f"/api/tasks/{task_id}")["response_text"] == "Goi"
    end = {**bare, "response_text": "Going", "tokens_input": 2, "tokens_output": 1}
    told(alice, end)
    told(alice, {**bare, "status": "streaming", "response_text": "G", "time_to_first_token": 0.3})
    ended = get(alice, f"/api/tasks/{task_id}")
    assert (ended["status"], ended["response_text"], ended["tokens_total"]) == (
        "completed",
        "Going",
        3,
    )
    assert (ended["time_to_first_token"], ended["model"]) == (0.3, "gpt-4o")
    assert Decimal(ended["cost"]) == Decimal("0.000015")
    run = get(alice, f"/api/runs/{run_id}")
    assert (run["name"], run["source_type"], texts(run)) == (
        "Bit by bit",
        "workflow",
        ["Go", "Going"],
    )
    assert (run["total_tokens"], run["task_count"]) == (3, 1)
    told(alice, {"type": "run", "id": run_id, "name": "Renamed", "status": "completed"})
    assert get(alice, f"/api/runs/{run_id}")["name"] == "Renamed"


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        ({"type": "run", "id": "no"}, "id", "UUID"),
        ({"type": "dance", "id": str(uuid4())}, "type", "dance"),
        (
            task(said("user", "x"), answer="y", tokens_input=1, tokens_cache_read=2),
            "tokens_input",
            "all input",
        ),
        (task(said("user", "x"), answer="y", cost="-1"), "cost", "0 to"),
        (task(said("user", "x"), answer="y", at="2026-01-01T00:00:00"), "at", "time zone"),
        (task(said("user", "a\0b"), answer="y"), "messages[0].content", "NUL"),
        (
            task(said("user", "x"), answer="y", source_type="prompt", source_id=str(uuid4())),
            "source_id",
            "no prompt",
        ),
    ],
)
def test_a_bad_event_is_refused_by_itself(
    alice: Client, event: dict[str, Any], field: str, reason: str
) -> None:
    good = [task(said("user", "Good"), answer="Good.") for _ in range(2)]
    outcome = tell(alice, good[0], event, good[1])
    [refused] = outcome["refused"]
    assert (outcome["stored"], refused["index"], refused["field"]) == (2, 1, field), refused
    assert reason in refused["reason"]
    assert run_of(alice, good[1]["id"])["message_count"] == 2


def test_what_only_the_database_refuses_is_found_among_the_rest(alice: Client) -> None:
    run_id = str(uuid4())
    told(alice, {"type": "run", "id": run_id, "name": "Of no prompt"})
    events = [task(said("user", f"Good {n}"), answer="Yes") for n in range(6)]
    events[3] = {"type": "run", "id": run_id, "source_type": "prompt", "source_id": str(uuid4())}
    outcome = tell(alice, *events)
    assert (outcome["stored"], outcome["waiting"]) == (5, 0)
    [refused] = outcome["refused"]
    assert (refused["index"], refused["id"]) == (3, run_id)
    assert get(alice, f"/api/runs/{run_id}")["source_type"] == "custom"
    for event in (*events[:3], *events[4:]):
        assert run_of(alice, event["id"])["message_count"] == 2


def test_batches_come_as_json_or_msgpack_and_compressed(alice: Client) -> None:
    for encode, kind in ((msgspec.json.encode, "json"), (msgspec.msgpack.encode, "msgpack")):
        event = task(said("user", "Packed"), answer="Unpacked")
        headers = {"Content-Type": f"application/{kind}", "Content-Encoding": "gzip"}
        body = gzip.compress(encode([event]))
        answer = alice.post("/api/events", content=body, headers=headers)
        assert answer.json() == {"stored": 1, "waiting": 0, "refused": []}
        assert texts(run_of(alice, event["id"])) == ["Packed", "Unpacked"]


def test_a_body_that_is_no_batch_is_refused(alice: Client) -> None:
    def send(body: bytes, **headers: str) -> Any:
        return alice.post("/api/events", content=body, headers=headers)

    problem(send(b"{}"), 400)
    problem(send(b"[1"), 400)
    problem(send(b"not gzip", **{"Content-Encoding": "gzip"}), 400)
    problem(send(gzip.compress(b"[]")[:-6], **{"Content-Encoding": "gzip"}), 400)
    problem(send(gzip.compress(b" " * 11_000_000), **{"Content-Encoding": "gzip"}), 413)
    problem(send(b"[]", **{"Content-Encoding": "br"}), 400)
    assert send(b"[]").json() == {"stored": 0, "waiting": 0, "refused": []}


def test_what_is_told_belongs_to_whoever_tells_it(alice: Client, bob: Client) -> None:
    event = task(said("user", "Mine"), answer="Yours?")
    told(alice, event)
    told(bob, event)
    assert run_of(alice, event["id"])["id"] != run_of(bob, event["id"])["id"]
    run_id = run_of(alice, event["id"])["id"]
    told(bob, task(said("user", "In there?"), answer="No", run_id=run_id))
    assert texts(run_of(alice, event["id"])) == ["Mine", "Yours?"]


def test_a_failed_call_keeps_why_and_what_came(alice: Client) -> None:
    cut = call(said("user", "Long"), answer="") | {
        "response": 'data: {"choices":[{"index":0,"delta":{"content":"Once upon"}}]}\n\n'
    }
    refused = call(said("user", "Too much"), answer="") | {
        "http_status": 429,
        "response": '{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}',
    }
    told(alice, cut, refused)
    task_ = get(alice, f"/api/tasks/{cut['id']}")
    assert (task_["status"], task_["response_text"]) == ("error", "Once upon")
    assert task_["usage_estimated"]
    assert texts(run_of(alice, cut["id"])) == ["Long", "Once upon"]
    task_ = get(alice, f"/api/tasks/{refused['id']}")
    assert (task_["status"], task_["response_errors"]["message"]) == ("error", "Slow down")
    run = run_of(alice, refused["id"])
    assert (texts(run), run["status"], run["total_cost"]) == (["Too much"], "error", None)


def test_a_large_batch_of_many_runs_is_answered_event_by_event(alice: Client) -> None:
    runs = [str(uuid4()) for _ in range(20)]
    events = [
        task(said("user", f"{n}"), answer=f"{n}!", run_id=runs[n % 20], tokens_input=n)
        for n in range(100)
    ]
    events[17] |= {"cost": "-1"}
    events[40] = {
        "type": "message",
        "id": str(uuid4()),
        "run_id": runs[0],
        "parent_id": str(uuid4()),
        "message": said("user", "Later"),
    }
    outcome = tell(alice, *events)
    assert (outcome["stored"], outcome["waiting"]) == (98, 1)
    assert [each["index"] for each in outcome["refused"]] == [17]
    for run_id in runs[1:]:
        run = get(alice, f"/api/runs/{run_id}")
        own = [event for event in events if event.get("run_id") == run_id and "cost" not in event]
        assert (run["task_count"], run["message_count"]) == (len(own), 2 * len(own))
        tokens = [get(alice, f"/api/tasks/{event['id']}")["tokens_input"] for event in own[:1]]
        assert tokens == [own[0]["tokens_input"]]


def test_a_run_goes_on_with_the_model_that_its_tasks_used(alice: Client) -> None:
    run_id = str(uuid4())
    told(alice, {"type": "run", "id": run_id, "name": "Begun by hand"})
    asked = task(said("user", "Which model?"), answer="This one", run_id=run_id)
    told(alice, asked | {"provider": None, "model": "openai/gpt-4o", "request": {"top_p": 0.5}})
    assert get(alice, f"/api/runs/{run_id}")["settings"] == {"model": "openai/gpt-4o", "top_p": 0.5}
    stored = get(alice, f"/api/tasks/{asked['id']}")
    assert (stored["provider"], stored["model"]) == ("openai", "gpt-4o")

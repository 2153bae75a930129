"""/api/tasks for callers that make the model call themselves: the shape of the seeds' hook."""

import hashlib
from decimal import Decimal
from uuid import uuid4

import pytest
from httpx import Client

from tests.runs.calling import execute, get, problem, user


def create_run(client: Client) -> str:
    return client.post("/api/runs", json={"name": "Own calls"}).json()["id"]


def create_task(client: Client, **body: object) -> dict[str, object]:
    answer = client.post("/api/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_call_of_ones_own_is_recorded_from_start_to_end(alice: Client) -> None:
    run_id = create_run(alice)
    alice.post(f"/api/runs/{run_id}/messages", json=user("Hello"))
    task_id = str(uuid4())
    task = create_task(
        alice, run_id=run_id, task_id=task_id, provider="openai", model="gpt-4o", service="mine"
    )
    assert (task["task_id"], task["status"], task["service"]) == (task_id, "pending", "mine")
    path = f"/api/tasks/{task_id}"
    streaming = alice.patch(path, json={"status": "streaming", "response_text": "Hi"}).json()
    assert (streaming["status"], streaming["response_text"]) == ("streaming", "Hi")
    end = {
        "response_text": "Hi there",
        "tokens_input": 100,
        "tokens_output": 10,
        "time_to_first_token": 0.2,
        "total_time": 0.5,
    }
    done = alice.post(f"{path}/complete", json=end).json()
    assert (done["status"], done["tokens_total"]) == ("completed", 110)
    assert Decimal(done["cost"]) == Decimal("0.00025") + Decimal("0.0001")
    added = alice.post(
        f"/api/runs/{run_id}/messages",
        json={"role": "assistant", "content": "Hi there", "task_id": task_id},
    )
    run = get(alice, f"/api/runs/{run_id}")
    assert [each["content"] for each in run["messages"]] == ["Hello", "Hi there"]
    assert added.json()["id"] == run["messages"][1]["id"]
    assert (run["total_tokens"], Decimal(run["total_cost"])) == (110, Decimal(done["cost"]))
    problem(alice.patch(path, json={"response_text": "late"}), 409)
    problem(alice.post(f"{path}/complete", json=end), 409)


def test_a_task_says_which_key_submitted_it(alice: Client) -> None:
    [key] = [each["id"] for each in get(alice, "/api/keys")["items"] if each["name"] == "tests"]
    recorded = create_task(alice, run_id=create_run(alice))
    asked = execute(alice, messages=[user("Whose?")])
    again = alice.post(f"/api/tasks/{asked['task_id']}/retry").json()
    for task_id in (recorded["task_id"], asked["task_id"], again["task_id"]):
        task = get(alice, f"/api/tasks/{task_id}")
        assert task["key_id"] == key


def test_a_whole_history_sent_again_adds_only_what_is_new(alice: Client) -> None:
    run_id = create_run(alice)
    history = [{"role": "system", "content": "Be brief."}, user("one")]
    for turn in ("two", "three"):
        task = create_task(
            alice,
            run_id=run_id,
            model="m",
            request_data={"messages": history, "model": "m", "temperature": 0, "stop": None},
        )
        alice.post(f"/api/tasks/{task['task_id']}/complete", json={"response_text": "ok"})
        history = [*history, {"role": "assistant", "content": "ok"}, user(turn)]
    run = get(alice, f"/api/runs/{run_id}")
    assert run["message_count"] == 5
    request = alice.get(f"/api/tasks/{task['task_id']}/request")
    assert request.text == (
        '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"one"},'
        '{"role":"assistant","content":"ok"},{"role":"user","content":"two"}],'
        '"model":"m","temperature":0,"stop":null}'
    )


def test_a_cost_of_the_callers_own_is_kept(alice: Client) -> None:
    task = create_task(alice, run_id=create_run(alice), provider="p", model="m")
    done = alice.post(
        f"/api/tasks/{task['task_id']}/complete",
        json={"response_text": "x", "cost": "0.123456789012345678", "tokens_total": 0},
    ).json()
    assert done["cost"] == "0.123456789012345678"
    assert done["tokens_total"] == 0
    assert done["tokens_input"] is None


@pytest.mark.parametrize("cost", ["-1", "NaN", "Infinity", "1000000000000.1", "1e999999"])
def test_a_cost_that_cannot_be_is_refused(alice: Client, cost: str) -> None:
    path = f"/api/tasks/{create_task(alice, run_id=create_run(alice))['task_id']}/complete"
    problem(alice.post(path, json={"cost": cost}), 422, "cost")


def test_a_task_belongs_to_one_run(alice: Client) -> None:
    mine, other = create_run(alice), create_run(alice)
    task_id = create_task(alice, run_id=mine)["task_id"]
    assert create_task(alice, run_id=mine, task_id=task_id)["task_id"] == task_id
    problem(alice.post("/api/tasks", json={"run_id": other, "task_id": task_id}), 409, "task_id")
    answer = {"role": "assistant", "content": "x", "task_id": task_id}
    problem(alice.post(f"/api/runs/{other}/messages", json=answer), 404, "task_id")
    assert alice.post(f"/api/runs/{mine}/messages", json=answer).status_code == 201


def test_a_call_may_take_very_long_but_not_for_ever(alice: Client) -> None:
    body = {"name": "Slow", "messages": [user("x")]}
    prompt_id = alice.post("/api/prompts", json=body).json()["id"]
    made = alice.post("/api/runs", json={"source_type": "prompt", "source_id": prompt_id})
    task = create_task(alice, run_id=made.json()["id"])
    path = f"/api/tasks/{task['task_id']}/complete"
    problem(alice.post(path, json={"total_time": 1.1e9}), 422, "total_time")
    assert alice.post(path, json={"total_time": 3e6}).status_code == 200
    [item] = get(alice, f"/api/prompts/{prompt_id}/history")["items"]
    assert item["execution_time_ms"] == 3_000_000_000


def test_a_failed_call_says_why(alice: Client) -> None:
    run_id = create_run(alice)
    task = create_task(alice, run_id=run_id)
    alice.post(
        f"/api/tasks/{task['task_id']}/complete",
        json={"status": "timeout", "response_errors": {"message": "too slow"}},
    )
    run = get(alice, f"/api/runs/{run_id}")
    assert (run["status"], run["total_cost"], run["message_count"]) == ("error", None, 0)


def test_a_servers_task_cannot_be_changed_by_a_caller(alice: Client) -> None:
    result = execute(alice, messages=[user("x")])
    problem(alice.patch(f"/api/tasks/{result['task_id']}", json={"response_text": "y"}), 409)
    problem(alice.post(f"/api/tasks/{result['task_id']}/complete", json={}), 409)


def test_tasks_are_listed_newest_first(alice: Client) -> None:
    first = execute(alice, messages=[user("x")])
    second = execute(alice, run_id=first["run_id"], messages=[user("y")])
    page = get(alice, "/api/tasks", run_id=first["run_id"], limit=1)
    assert [each["task_id"] for each in page["items"]] == [second["task_id"]]
    rest = get(alice, "/api/tasks", run_id=first["run_id"], cursor=page["next_cursor"])
    assert [each["task_id"] for each in rest["items"]] == [first["task_id"]]
    assert rest["next_cursor"] is None


def test_bad_messages_and_tokens_are_named(alice: Client) -> None:
    run_id = create_run(alice)
    answer = alice.post(
        "/api/tasks",
        json={"run_id": run_id, "request_data": {"messages": [{"role": "robot"}]}},
    )
    problem(answer, 422, "request_data.messages[0].role")
    task = create_task(alice, run_id=run_id)
    path = f"/api/tasks/{task['task_id']}/complete"
    problem(alice.post(path, json={"tokens_input": -1}), 422, "tokens_input")
    too_many = {"tokens_input": 1, "tokens_cache_read": 2}
    problem(alice.post(path, json=too_many), 422, "tokens_input")
    problem(alice.post(path, json={"tokens_reasoning": 1}), 422, "tokens_output")
    for cost in ("-1", "NaN", "free"):
        problem(alice.post(path, json={"cost": cost}), 422, "cost")


def test_the_server_does_not_take_over_a_call_of_the_callers_own(alice: Client) -> None:
    task = create_task(alice, run_id=create_run(alice))
    body = {"task_id": task["task_id"], "messages": [user("x")], "model": "openai/echo"}
    problem(alice.post("/api/prompt/run", json=body), 409, "task_id")


def test_a_request_with_its_keys_in_any_order_comes_back_to_the_byte(alice: Client) -> None:
    text = '{"messages":[{"content":"hi","role":"user"}],"model":"m"}'
    task = create_task(
        alice,
        run_id=create_run(alice),
        request_data={"messages": [{"content": "hi", "role": "user"}], "model": "m"},
    )
    answer = alice.get(f"/api/tasks/{task['task_id']}/request")
    assert answer.text == text
    assert hashlib.sha256(answer.content).hexdigest() == answer.headers["airuns-request-sha256"]


def test_a_request_without_messages_has_none(alice: Client) -> None:
    run_id = create_run(alice)
    alice.post(f"/api/runs/{run_id}/messages", json=user("not part of it"))
    task = create_task(alice, run_id=run_id, request_data={"messages": [], "input": "x"})
    answer = alice.get(f"/api/tasks/{task['task_id']}/request")
    assert answer.json() == {"messages": [], "input": "x"}


def test_tasks_of_a_deleted_run_are_gone_until_it_is_restored(alice: Client) -> None:
    done = execute(alice, messages=[user("x")])
    run_id, path = done["run_id"], f"/api/tasks/{done['task_id']}"
    own = create_task(alice, run_id=run_id)["task_id"]

    def answers() -> list[int]:
        calls = [
            alice.get(path),
            alice.get(f"{path}/request"),
            alice.get(f"{path}/events"),
            alice.post(f"{path}/cancel"),
            alice.post(f"{path}/retry", json={}),
            alice.patch(f"/api/tasks/{own}", json={"response_text": "x"}),
            alice.post(f"/api/tasks/{own}/complete", json={}),
        ]
        return [each.status_code for each in calls]

    alice.delete(f"/api/runs/{run_id}")
    assert answers() == [404] * 7
    assert get(alice, "/api/tasks", run_id=run_id)["items"] == []
    alice.post(f"/api/runs/{run_id}/restore")
    assert get(alice, path)["status"] == "completed"
    assert len(get(alice, "/api/tasks", run_id=run_id)["items"]) == 2

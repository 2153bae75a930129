"""Bad input gets a problem document that names the field and the remedy."""

from itertools import permutations
from uuid import uuid4

import pytest
from httpx import Client

from airuns.server.pages import encode_cursor
from tests.runs.calling import problem, user
from tests.serving import Served

RUN = "/api/prompt/run"


def test_an_unknown_prompt(alice: Client) -> None:
    prompt_id = str(uuid4())
    document = problem(alice.post(RUN, json={"prompt_id": prompt_id}), 404, "prompt_id")
    assert prompt_id in document["detail"]


def test_another_users_prompt_is_an_unknown_prompt(alice: Client, charlie: Client) -> None:
    body = {"name": "Mine", "messages": [user("secret")]}
    prompt_id = alice.post("/api/prompts", json=body).json()["id"]
    missing = str(uuid4())
    mine, none = (charlie.post(RUN, json={"prompt_id": each}) for each in (prompt_id, missing))
    assert mine.text.replace(prompt_id, "ID") == none.text.replace(missing, "ID")
    problem(mine, 404, "prompt_id")


def test_a_missing_variable(alice: Client) -> None:
    body = {"name": "P", "messages": [user("Hello {{name}}")]}
    prompt_id = alice.post("/api/prompts", json=body).json()["id"]
    answer = alice.post(RUN, json={"prompt_id": prompt_id, "model": "openai/echo"})
    document = problem(answer, 422, "variables.name")
    assert "name is missing" in document["detail"]


def test_an_unknown_model(alice: Client) -> None:
    for model in ("no-such-model", "nowhere/model", "mistral/large"):
        answer = alice.post(RUN, json={"messages": [user("x")], "model": model})
        problem(answer, 422, "model")


def test_no_model_at_all(alice: Client) -> None:
    document = problem(alice.post(RUN, json={"messages": [user("x")]}), 422, "model")
    assert "GET /api/models" in document["detail"]


def test_no_message_at_all(alice: Client) -> None:
    problem(alice.post(RUN, json={"model": "openai/echo"}), 422, "messages")


@pytest.mark.parametrize("key", ["air_wrong", "x"])
def test_a_wrong_key(server: Served, key: str) -> None:
    with server.client() as client:
        answer = client.post(RUN, json={}, headers={"Authorization": f"Bearer {key}"})
    document = problem(answer, 401)
    assert "airuns key create" in document["detail"]


def test_a_huge_body(alice: Client) -> None:
    answer = alice.post(RUN, json={"messages": [user("x" * 11_000_000)]})
    assert "AIRUNS_MAX_BODY" in problem(answer, 413)["detail"]


def test_a_message_that_is_too_long(alice: Client) -> None:
    answer = alice.post(RUN, json={"messages": [user("ok"), user("x" * 1_000_001)]})
    problem(answer, 413, "messages[1].content")


@pytest.mark.parametrize("body", [b"{", b'{"messages": [', b"\xff", b"[1, 2]", b'"x"', b"{'a': 1}"])
def test_malformed_json(alice: Client, body: bytes) -> None:
    answer = alice.post(RUN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"run_id": "abc", "messages": [user("x")]}, "run_id"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"mesages": []}, "mesages"),
        ({"messages": [user("x")], "task_id": 5}, "task_id"),
        ({"messages": [user("a\x00b")], "model": "openai/echo"}, "messages[0].content"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [user("x")], "source_type": "prompt", "model": "openai/echo"}, "source_type"),
    ],
)
def test_fields_that_cannot_be_used_are_named(
    alice: Client, body: dict[str, object], field: str
) -> None:
    problem(alice.post(RUN, json=body), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/api/runs/not-a-uuid", "run_id"),
        ("GET", "/api/tasks/not-a-uuid", "task_id"),
        ("POST", "/api/tasks/not-a-uuid/cancel", "task_id"),
        ("GET", "/api/runs?limit=0", "limit"),
        ("GET", "/api/runs?limit=100000", "limit"),
        ("GET", "/api/runs?sort=random", "sort"),
        ("GET", "/api/runs?since=yesterday", "since"),
    ],
)
def test_paths_and_queries_are_checked_too(
    alice: Client, method: str, path: str, field: str
) -> None:
    problem(alice.request(method, path), 422, field)


def test_another_parent_and_a_run_that_is_not_there(alice: Client) -> None:
    missing = str(uuid4())
    problem(alice.post(RUN, json={"run_id": missing, "messages": [user("x")]}), 404, "run_id")
    body = {"messages": [user("x")], "model": "openai/echo"}
    run_id = alice.post(RUN, json=body).json()["run_id"]
    answer = alice.post(RUN, json={**body, "run_id": run_id, "parent_id": missing})
    problem(answer, 404, "parent_id")


@pytest.mark.parametrize(
    ("sort", "other"), [*permutations(["recent", "oldest", "name", "cost"], 2)]
)
def test_a_cursor_of_another_sort(alice: Client, sort: str, other: str) -> None:
    for _ in range(2):
        alice.post("/api/runs", json={"name": "Listed"})
    page = alice.get("/api/runs", params={"sort": sort, "limit": 1}).json()
    given = {"sort": other, "cursor": page["next_cursor"]}
    problem(alice.get("/api/runs", params=given), 422, "cursor")


@pytest.mark.parametrize("part", ["a\0b", "\0"])
@pytest.mark.parametrize("path", ["/api/runs", "/api/prompts"])
def test_a_cursor_with_a_nul(alice: Client, path: str, part: str) -> None:
    cursor = encode_cursor("name", part, uuid4())
    problem(alice.get(path, params={"sort": "name", "cursor": cursor}), 422, "cursor")


def test_a_cursor_whose_cost_is_no_number(alice: Client) -> None:
    cursor = encode_cursor("cost", "dear", uuid4())
    problem(alice.get("/api/runs", params={"sort": "cost", "cursor": cursor}), 422, "cursor")


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_json_that_is_nested_too_deep(alice: Client, depth: int) -> None:
    body = '{"messages": [], "variables": ' + '{"a":' * depth + "1" + "}" * depth + "}"
    answer = alice.post(RUN, content=body, headers={"Content-Type": "application/json"})
    assert "nested" in problem(answer, 400)["detail"]


@pytest.mark.parametrize("offset", ["²", "9" * 5000, "9" * 13, "-1"])
def test_an_offset_that_is_no_position(alice: Client, offset: str) -> None:
    path = f"/api/tasks/{uuid4()}/events"
    problem(alice.get(path, params={"offset": offset}), 422, "offset")
    header = {"Last-Event-ID": offset.encode("latin-1")}
    problem(alice.get(path, headers=header), 422, "Last-Event-ID")


def test_a_wrong_last_event_id(alice: Client) -> None:
    body = {"messages": [user("x")], "model": "openai/echo"}
    task_id = alice.post(RUN, json=body).json()["task_id"]
    answer = alice.get(f"/api/tasks/{task_id}/events", headers={"Last-Event-ID": "abc"})
    problem(answer, 422, "Last-Event-ID")


def test_an_unknown_path_and_method(alice: Client) -> None:
    problem(alice.get("/api/nothing"), 404)
    problem(alice.delete(RUN), 405)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/api/runs", "there are archived, before, cursor, "),
        ("/api/runs/totals", "there are archived, before, deleted, "),
        ("/api/tasks", "there are cursor, limit, model, "),
        ("/api/prompts", "there are cursor, deleted, limit, q, sort."),
        ("/api/runs/tags", "there are none."),
        ("/api/runs/00000000-0000-0000-0000-000000000005", "there are window."),
    ],
)
def test_a_mistyped_parameter_is_named(alice: Client, path: str, there: str) -> None:
    document = problem(alice.get(path, params={"colour": "red"}), 422, "colour")
    assert document["detail"].startswith("colour is no parameter here; ")
    assert there in document["detail"]


@pytest.mark.parametrize(
    ("method", "path", "given", "field", "values"),
    [
        ("GET", "/api/runs?sort=size", None, "sort", "recent, oldest, name, messages, cost"),
        ("GET", "/api/runs?status=x", None, "status", "active, completed, error"),
        ("GET", "/api/prompts?sort=x", None, "sort", "recent, name"),
        ("POST", "/api/runs", {"source_type": "x"}, "source_type", "action, applet, chat"),
        ("POST", RUN, {"messages": [{"role": "x"}]}, "messages[0].role", "assistant, developer"),
        ("POST", "/api/runs/changes", {"action": "x"}, "action", "archive, delete"),
        (
            "POST",
            "/api/runs/changes",
            {"action": "star", "filter": {"status": "x"}},
            "filter.status",
            "active, completed, error",
        ),
    ],
)
def test_a_value_that_is_none_of_a_few_is_told_which_there_are(
    alice: Client, method: str, path: str, given: object, field: str, values: str
) -> None:
    document = problem(alice.request(method, path, json=given), 422, field)
    assert f"{field}: must be one of {values}" in document["detail"]

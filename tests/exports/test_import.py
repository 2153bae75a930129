"""Imports over HTTP: a report says what came and what did not; no file is trusted."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx import Client

from tests.attachments.files import attach, said_with
from tests.runs.calling import execute, get, problem, user

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def archive(alice: Client) -> JSON:
    """Alice's archive of a run with an answer and a file."""
    run_id = execute(alice, messages=[user("Where is the owl?")])["run_id"]
    said = said_with("In here?", attach(alice, "notes.md", b"# Owls"))
    assert alice.post(f"/api/runs/{run_id}/messages", json=said).status_code == 201
    return alice.get(f"/api/runs/{run_id}/export?format=json").json()


def bring(client: Client, archive: JSON | bytes) -> JSON:
    content = archive if isinstance(archive, bytes) else json.dumps(archive, indent=2).encode()
    answer = client.post("/api/import", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def copied(archive: JSON) -> JSON:
    """Return an archive of the same run under other ids."""
    text = json.dumps(archive)
    for record in archive["records"]:
        own = record.get("task_id") if record["type"] == "task" else record["id"]
        if record["type"] in ("run", "task", "message", "attachment"):
            text = text.replace(str(own), str(uuid4()))
    return json.loads(text)


def records(archive: JSON, kind: str) -> list[JSON]:
    return [record for record in archive["records"] if record["type"] == kind]


def test_a_stranger_gets_a_run_of_ones_own_from_a_file_in_any_layout(
    alice: Client, bob: Client, archive: JSON
) -> None:
    report = bring(bob, archive)
    counts = {"run": 1, "message": 3, "task": 1, "attachment": 1}
    assert report["added"].items() >= counts.items(), report
    assert report["refused"] == {}
    [run] = records(archive, "run")
    mine, theirs = (get(each, f"/api/runs/{run['id']}") for each in (alice, bob))
    assert theirs == mine
    [file] = records(archive, "attachment")
    assert bob.get(f"/api/attachments/{file['id']}").content == b"# Owls"
    [task] = records(archive, "task")
    path = f"/api/tasks/{task['task_id']}/request"
    assert bob.get(path).content == alice.get(path).content
    again = bring(bob, archive)
    assert (again["added"], again["there"]["run"], again["refused"]) == ({}, 1, {})


def test_a_task_that_was_running_has_ended_here(alice: Client, bob: Client) -> None:
    run_id = alice.post("/api/runs", json={}).json()["id"]
    task_id = alice.post("/api/tasks", json={"run_id": run_id}).json()["task_id"]
    bring(bob, alice.get(f"/api/runs/{run_id}/export?format=json").content)
    task = get(bob, f"/api/tasks/{task_id}")
    assert (task["status"], task["response_errors"]["code"]) == ("error", "interrupted")
    assert get(alice, f"/api/tasks/{task_id}")["status"] == "pending"


def change(kind: str, **values: Any) -> Callable[[JSON], None]:
    def do(archive: JSON) -> None:
        records(archive, kind)[-1].update(values)

    return do


def drop(kind: str) -> Callable[[JSON], None]:
    def do(archive: JSON) -> None:
        archive["records"].remove(records(archive, kind)[0])

    return do


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (change("message", content="Forged"), "says something else"),
        (change("message", depth=7), "does not have the depth 7"),
        (change("message", chain_hash="0" * 64), "has been changed"),
        (change("message", role="wizard"), "role"),
        (change("message", metadata=[]), "metadata"),
        (change("message", task_id=str(uuid4())), "is not in it"),
        (change("message", run_id=str(uuid4())), "among its own"),
        (drop("message"), "before its parent"),
        (change("attachment", content="Zm9yZ2Vk"), "is not what its record says"),
        (change("attachment", name="../../etc/passwd"), "is not what its record says"),
        (change("task", cost="-1"), "cost"),
        (change("task", tokens_cache_read=10**9), "out of bounds"),
        (change("task", response_text="a\0b"), "NUL"),
        (change("run", head_message_id=str(uuid4())), "is not in it"),
        (change("run", name=""), "name"),
        (change("run", source_type="prompt", source_id=str(uuid4())), "neither here nor"),
        (change("run", source_type="prompt", source_id="x"), "UUID"),
        (change("run", created_at="yesterday"), "created_at"),
    ],
)
def test_a_run_with_a_bad_record_is_refused_whole_and_the_next_one_comes(
    bob: Client, archive: JSON, spoil: Callable[[JSON], None], reason: str
) -> None:
    bad, good = copied(archive), copied(archive)
    spoil(bad)
    report = bring(bob, {**bad, "records": [*bad["records"], *good["records"]]})
    assert report["added"]["run"] == 1
    assert reason in report["reasons"][0]["reason"], report["reasons"]
    [run] = records(good, "run")
    assert get(bob, f"/api/runs/{run['id']}")["message_count"] == 3
    [run] = records(bad, "run")
    problem(bob.get(f"/api/runs/{run['id']}"), 404)


def test_an_id_of_another_of_ones_runs_is_refused(bob: Client, archive: JSON) -> None:
    bring(bob, archive)
    other = copied(archive)
    text = json.dumps(other)
    taken = records(archive, "message")[0]["id"]
    text = text.replace(records(other, "message")[0]["id"], taken)
    assert "another of your runs" in bring(bob, json.loads(text))["reasons"][0]["reason"]


def test_what_is_no_archive_or_was_cut_off_is_said(bob: Client, archive: JSON) -> None:
    text = json.dumps(archive)
    for content in ("", "[]", "{}", "owl", '{"records":[', '{"airuns":99,"records":[]}', '"' * 9):
        problem(bob.post("/api/import", content=content), 400)
    cut = json.dumps(copied(archive))[:-20]
    assert "cut off" in problem(bob.post("/api/import", content=cut), 400)["detail"]
    assert bring(bob, json.dumps(archive, sort_keys=True).encode())["there"]["run"] == 1
    nested = text.replace('"records": [', '"records": [' + '{"a":' * 5000 + "1" + "}" * 5000 + ",")
    assert "It cannot be read" in bring(bob, nested.encode())["reasons"][0]["reason"]

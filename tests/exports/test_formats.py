"""One run in every format, as it comes over HTTP."""

import csv
import io
import json
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
from httpx import Client

from airuns.server.db.door import Database
from airuns.server.runs import store
from tests.attachments.files import attach, said_with
from tests.conftest import Run
from tests.people import ALICE
from tests.runs.calling import execute, get, problem, user

FORMATS = ("text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf")


@pytest.fixture(scope="module")
def run_id(alice: Client) -> str:
    """A run of two questions; the first has an edited version, which is a branch."""
    first = execute(alice, messages=[user("Where is the owl?\n\n```py\nx = 1\n```")])
    run_id = first["run_id"]
    view = get(alice, f"/api/runs/{run_id}")
    root = view["messages"][0]
    execute(alice, run_id=run_id, messages=[user("الثانية")])
    alice.patch(f"/api/runs/{run_id}", json={"name": "=Owl 猫 / run", "tags": ["a,b"]})
    branch = alice.post(
        f"/api/runs/{run_id}/messages", json={**user("A branch"), "parent_id": root["id"]}
    )
    assert branch.status_code == 201, branch.text
    alice.patch(f"/api/runs/{run_id}", json={"head_message_id": view["messages"][-1]["id"]})
    return run_id


def export(client: Client, run_id: str, format_: str, **params: Any) -> httpx.Response:
    answer = client.get(f"/api/runs/{run_id}/export", params={"format": format_, **params})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_file_is_named_for_its_run_in_any_script(alice: Client, run_id: str) -> None:
    said = export(alice, run_id, "text").headers["content-disposition"]
    assert unquote(said.partition("filename*=UTF-8''")[2]) == "=Owl 猫 run.txt"
    assert 'filename="=Owl run.txt"' in said.replace("  ", " ")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/api/runs/{run_id}/export?format=text", "text/plain; charset=utf-8"),
        ("/api/runs/{run_id}/export?format=markdown", "text/markdown; charset=utf-8"),
        ("/api/runs/{run_id}/export?format=csv", "text/csv; charset=utf-8"),
        ("/api/analytics/by_model.csv", "text/csv; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_a_text_says_once_how_it_is_encoded(
    alice: Client, run_id: str, path: str, media_type: str
) -> None:
    assert alice.get(path.format(run_id=run_id)).headers["content-type"] == media_type


def test_text_has_what_people_read(alice: Client, run_id: str) -> None:
    text = export(alice, run_id, "text").text
    assert text.startswith("=Owl 猫 / run\n")
    assert text.index("Where is the owl?") < text.index("Assistant ·") < text.index("الثانية")
    assert "A branch" not in text


def test_all_branches_come_when_asked_for(alice: Client, run_id: str) -> None:
    markdown = export(alice, run_id, "markdown", branches="all").text
    assert markdown.startswith("# =Owl 猫 / run\n")
    assert markdown.index("## User") < markdown.index("*Another branch, after message 1:*")
    assert markdown.index("after message 1") < markdown.index("A branch")
    assert markdown.count("Where is the owl?") == export(alice, run_id, "markdown").text.count(
        "Where is the owl?"
    )


def test_json_is_a_document_and_a_record_a_line(alice: Client, run_id: str) -> None:
    text = export(alice, run_id, "json").text
    archive = json.loads(text)
    assert (archive["airuns"], archive["runs"], archive["complete"]) == (1, 1, True)
    by_line = [json.loads(line.rstrip(",")) for line in text.splitlines()[1:-1]]
    assert by_line == archive["records"]
    kinds = [record["type"] for record in archive["records"]]
    assert kinds == ["model", "run", "task", "task", *["message"] * 5]


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_csv_is_opened_by_the_csv_module_and_holds_no_formula(alice: Client, run_id: str) -> None:
    answer = export(alice, run_id, "csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    [row] = rows_of(answer)
    assert row["name"] == "'=Owl 猫 / run"
    assert row["tags"] == "a,b"
    view = get(alice, f"/api/runs/{run_id}")
    assert row["total_cost"] == (view["total_cost"] or "")
    assert int(row["message_count"]) == view["message_count"]
    assert row["archived_at"] == ""
    assert row["created_at"] == view["created_at"]


def test_csv_of_tasks_has_a_row_for_each(alice: Client, run_id: str) -> None:
    rows = rows_of(export(alice, run_id, "tasks-csv"))
    tasks = get(alice, "/api/tasks", run_id=run_id)["items"]
    assert [row["task_id"] for row in rows] == [task["task_id"] for task in reversed(tasks)]
    assert rows[0]["tokens_total"] == str(tasks[-1]["tokens_total"])
    assert rows[1]["response_text"].startswith("الثانية")


def test_jsonl_is_what_fine_tuning_wants(alice: Client, run_id: str) -> None:
    [line] = export(alice, run_id, "jsonl").text.splitlines()
    messages = json.loads(line)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert list(messages[0]) == ["role", "content"]


def test_jsonl_keeps_tool_calls_shows_files_and_ends_with_an_answer(alice: Client) -> None:
    file = attach(alice, "notes.md", b"# Owls")
    run = alice.post("/api/runs", json={}).json()
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for message in (
        said_with("Read this", file),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
        {"role": "assistant", "content": "It is 42."},
        user("And then?"),
    ):
        answer = alice.post(f"/api/runs/{run['id']}/messages", json=message)
        assert answer.status_code == 201, answer.text
    [line] = export(alice, run["id"], "jsonl").text.splitlines()
    messages = json.loads(line)["messages"]
    assert messages[0]["content"][1]["text"] == "File: notes.md\n```\n# Owls\n```"
    assert messages[1]["tool_calls"] == [call]
    assert messages[-1]["content"] == "It is 42."


def test_a_run_without_an_answer_is_no_line(alice: Client) -> None:
    run = alice.post("/api/runs", json={}).json()
    alice.post(f"/api/runs/{run['id']}/messages", json=user("Nobody answered"))
    answer = export(alice, run["id"], "jsonl")
    assert answer.text == ""
    assert answer.headers["airuns-total-runs"] == "1"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_strangers_run_does_not_exist(charlie: Client, run_id: str, format_: str) -> None:
    problem(charlie.get(f"/api/runs/{run_id}/export", params={"format": format_}), 404)
    problem(charlie.get("/api/export", params={"format": format_, "ids": run_id}), 404)
    if format_ != "pdf":
        assert run_id not in charlie.get("/api/export", params={"format": format_}).text


def test_what_cannot_be_asked_for_is_refused_by_name(alice: Client, run_id: str) -> None:
    path = f"/api/runs/{run_id}/export"
    problem(alice.get(path, params={"format": "docx"}), 422, "format")
    problem(alice.get("/api/export?format=csv&colour=red"), 422, "colour")
    problem(alice.get(f"/api/export?format=csv&ids={run_id}&tag=x"), 422, "tag")
    problem(alice.get(f"/api/runs/{uuid4()}/export?format=csv"), 404)


def test_everything_that_a_filter_matches_comes(alice: Client, db: Database, run: Run) -> None:
    tag = f"all-{uuid4().hex[:8]}"
    new = store.NewRun(source_type="custom", source_id=None, name="Run", tags=[tag])

    async def make() -> list[UUID]:
        async with db.transaction(ALICE.who) as tx:
            return [await store.create(tx, ALICE.user_id, new) for _ in range(230)]

    made = run(make())
    answer = alice.get("/api/export", params={"format": "csv", "tag": tag})
    assert answer.headers["airuns-total-runs"] == "230"
    assert [row["id"] for row in rows_of(answer)] == list(map(str, made))


def test_some_are_chosen_in_their_order(alice: Client) -> None:
    ids = [alice.post("/api/runs", json={"name": "Chosen"}).json()["id"] for _ in range(3)]
    wanted = [ids[2], ids[0]]
    answer = alice.get("/api/export", params={"format": "csv", "ids": wanted})
    assert [row["id"] for row in rows_of(answer)] == wanted

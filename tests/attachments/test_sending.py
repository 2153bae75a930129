"""Attachments in messages: the run owns them, the tree names them, the model is shown them."""

import base64
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from airuns.server.db.door import Database
from tests.attachments.files import PNG, attach, part, said_with
from tests.people import ALICE
from tests.provider import ScriptedProvider
from tests.runs.calling import execute, get, problem, user
from tests.runs.test_runs import create

PICTURE = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def sent(provider: ScriptedProvider, text: str) -> list[Any]:
    """Return the messages of each request whose body has a text, as the provider got them."""
    asked = [each.json for each in provider.requests if text.encode() in each.body]
    return [each["messages"] for each in asked]


def content_of(client: httpx.Client, run_id: str, at: int = 0) -> Any:
    return get(client, f"/api/runs/{run_id}")["messages"][at]["content"]


def test_a_model_is_shown_pictures_and_texts(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    picture = attach(alice, "dot.png", PNG, "image/png")
    notes = attach(alice, "notes.md", b"\xef\xbb\xbfUse ```` and ```\n")
    text = f"Look {uuid4()}"
    result = execute(alice, messages=[said_with(text, picture, notes)])
    [[message]] = sent(provider, text)
    assert message["content"] == [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "text", "text": "File: notes.md\n`````\nUse ```` and ```\n`````"},
    ]
    stored = content_of(alice, result["run_id"])
    about = {key: picture[key] for key in ("name", "media_type", "size", "sha256")}
    assert stored[1] == {"type": "attachment", "attachment_id": picture["id"], **about}
    [run] = get(alice, "/api/runs", q=text.split()[1])["items"]
    assert run["name"] == text


def test_it_is_shown_them_in_anthropics_shape(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    text = f"Look {uuid4()}"
    picture = attach(alice, "dot.png", PNG)
    execute(alice, messages=[said_with(text, picture, attach(alice))], model="anthropic/echo")
    [[message]] = sent(provider, text)
    data = base64.b64encode(PNG).decode()
    assert message["content"] == [
        {"type": "text", "text": text},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "text", "text": "File: notes.md\n```\n# Notes\n```"},
    ]


def test_every_turn_sends_them_again_and_stores_them_once(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    picture = attach(alice, "dot.png", PNG)
    again = f"again {uuid4()}"
    first = execute(alice, messages=[said_with("first", picture)])
    second = execute(alice, run_id=first["run_id"], messages=[user(again)])
    [messages] = sent(provider, again)
    assert messages[0]["content"][1]["image_url"]["url"] == PICTURE
    request = alice.get(f"/api/tasks/{second['task_id']}/request")
    assert sha256(request.content).hexdigest() == request.headers["airuns-request-sha256"]
    assert request.json()["messages"][0]["content"][1]["sha256"] == picture["sha256"]
    assert PICTURE.encode() not in request.content


def test_a_retry_sends_what_was_sent(alice: httpx.Client, provider: ScriptedProvider) -> None:
    text = f"retry {uuid4()}"
    first = execute(alice, messages=[said_with(text, attach(alice, "dot.png", PNG))])
    again = alice.post(f"/api/tasks/{first['task_id']}/retry", json={})
    assert again.json()["status"] == "completed"
    one, two = sent(provider, text)
    assert one == two


def test_an_edit_names_the_same_file_again(alice: httpx.Client) -> None:
    picture = attach(alice, "dot.png", PNG)
    run_id = execute(alice, messages=[said_with("first", picture)])["run_id"]
    shown = content_of(alice, run_id)
    edited = {"role": "user", "content": [{"type": "text", "text": "edited"}, shown[1]]}
    execute(alice, run_id=run_id, parent_id=None, messages=[edited])
    assert content_of(alice, run_id) == edited["content"]
    first, second = get(alice, f"/api/runs/{run_id}")["messages"][0]["versions"]
    assert first != second


def test_another_run_gets_a_copy(alice: httpx.Client, provider: ScriptedProvider) -> None:
    picture = attach(alice, "dot.png", PNG)
    text = f"go on {uuid4()}"
    origin = execute(alice, messages=[said_with("first", picture)])["run_id"]
    fork = alice.post(f"/api/runs/{origin}/fork", json={}).json()["id"]
    other = execute(alice, messages=[said_with("other", picture)])["run_id"]
    ids = {content_of(alice, each)[1]["attachment_id"] for each in (origin, fork, other)}
    assert len(ids) == 3
    alice.delete(f"/api/runs/{origin}")
    problem(alice.get(f"/api/attachments/{picture['id']}"), 404, "attachment_id")
    alice.delete(f"/api/runs/{origin}", params={"purge": True})
    for run_id in (fork, other):
        execute(alice, run_id=run_id, messages=[user(text)])
    assert [each[0]["content"][1]["image_url"]["url"] for each in sent(provider, text)] == [
        PICTURE,
        PICTURE,
    ]


async def test_equal_conversations_have_equal_hashes_whatever_the_ids(
    alice: httpx.Client, db: Database
) -> None:
    text = f"same {uuid4()}"

    def ask(content: bytes) -> str:
        return execute(alice, messages=[said_with(text, attach(alice, "a.txt", content))])["run_id"]

    runs = [ask(b"one"), ask(b"one"), ask(b"two")]
    async with db.transaction(ALICE.who) as tx:
        rows = await tx.rows(
            "select run_id, chain_hash from airuns.ai_messages"
            " where user_id = %(user_id)s and run_id = any(%(runs)s::uuid[]) and depth = 0",
            user_id=ALICE.user_id,
            runs=runs,
        )
    hashes = {str(row["run_id"]): bytes(row["chain_hash"]) for row in rows}
    assert hashes[runs[0]] == hashes[runs[1]] != hashes[runs[2]]


def test_a_submission_sent_again_claims_nothing_twice(alice: httpx.Client) -> None:
    task_id = str(uuid4())
    body = {"task_id": task_id, "messages": [said_with("once", attach(alice))]}
    first, second = execute(alice, **body), execute(alice, **body)
    assert first["run_id"] == second["run_id"]
    assert get(alice, f"/api/runs/{first['run_id']}")["message_count"] == 2


def test_a_sent_file_is_not_removed(alice: httpx.Client) -> None:
    notes = attach(alice)
    execute(alice, messages=[said_with("x", notes)])
    problem(alice.delete(f"/api/attachments/{notes['id']}"), 409)


def test_an_untracked_call_leaves_it_unsent(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    notes, text = attach(alice), f"untracked {uuid4()}"
    execute(alice, messages=[said_with(text, notes)], track=False)
    [[message]] = sent(provider, text)
    assert "# Notes" in message["content"][1]["text"]
    assert alice.delete(f"/api/attachments/{notes['id']}").status_code == 204


def test_messages_that_are_added_and_recorded_name_files_too(alice: httpx.Client) -> None:
    run_id = create(alice, name="recorded")["id"]
    first, second = attach(alice), attach(alice, "two.md")
    added = alice.post(f"/api/runs/{run_id}/messages", json=said_with("x", first))
    assert added.json()["content"][1]["sha256"] == first["sha256"]
    line = [said_with("x", first), said_with("y", second)]
    task = alice.post(
        "/api/tasks", json={"run_id": run_id, "request_data": {"messages": line, "n": 1}}
    )
    assert task.status_code == 201, task.text
    messages = get(alice, f"/api/runs/{run_id}")["messages"]
    assert [each["content"][1]["name"] for each in messages] == ["notes.md", "two.md"]
    request = alice.get(f"/api/tasks/{task.json()['task_id']}/request")
    assert sha256(request.content).hexdigest() == request.headers["airuns-request-sha256"]
    for each in (first, second):
        problem(alice.delete(f"/api/attachments/{each['id']}"), 409)


@pytest.mark.parametrize("given", [str(UUID(int=9)), "x", None, 5])
def test_what_is_no_file_of_ones_own_is_refused_by_its_field(
    alice: httpx.Client, given: object
) -> None:
    message = {"role": "user", "content": [{"type": "attachment", "attachment_id": given}]}
    field = "content[0].attachment_id"
    run_id = create(alice, name="x")["id"]
    calls = {
        f"messages[1].{field}": ("/api/prompt/run", {"messages": [user("a"), message]}),
        field: (f"/api/runs/{run_id}/messages", message),
        f"request_data.messages[0].{field}": (
            "/api/tasks",
            {"run_id": run_id, "request_data": {"messages": [message]}},
        ),
    }
    status = 404 if isinstance(given, str) and len(given) == 36 else 422
    for where, (path, body) in calls.items():
        problem(alice.post(path, json=body), status, where)


def test_a_strangers_file_does_not_exist(alice: httpx.Client, charlie: httpx.Client) -> None:
    hers = attach(alice)
    for track in (True, False):
        body = {"messages": [said_with("x", hers)], "model": "openai/echo", "track": track}
        problem(charlie.post("/api/prompt/run", json=body), 404)
    execute(alice, messages=[said_with("x", hers)])


def test_a_prompt_has_no_files(alice: httpx.Client) -> None:
    message = {"role": "user", "content": [part(attach(alice))]}
    answer = alice.post("/api/prompts", json={"name": "P", "messages": [message]})
    problem(answer, 422, "messages[0].content")

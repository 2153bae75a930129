"""Exports of other products become runs with the same trees; a report says what did not."""

import json
from typing import Any
from uuid import uuid4

import pytest
from httpx import Client

from tests.attachments.files import PNG
from tests.exports import foreign
from tests.exports.foreign import (
    claude,
    conversation,
    message,
    node,
    root,
    talk,
    with_picture,
    zipped,
)
from tests.runs.calling import execute, get, problem, user

JSON = dict[str, Any]


def bring(client: Client, content: Any) -> JSON:
    """Import bytes, or anything else as JSON; return the report."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = client.post("/api/import", content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def lines(*records: Any) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in records)


def found(client: Client, source_id: str) -> JSON:
    """Return the whole run that a conversation has become."""
    page = get(client, "/api/runs", source_id=source_id, limit=5)
    [run] = page["items"]
    return get(client, f"/api/runs/{run['id']}", window=50)


def line(run: JSON) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in run["messages"]]


def test_a_conversation_of_chatgpt_keeps_its_branches_names_times_and_models(bob: Client) -> None:
    first = node("a", "q", "assistant", "In the barn.")
    second = node("a2", "q", "assistant", "In the tree.", metadata={"model_slug": "gpt-5"})
    edited = node("q2", "root", words="Who?")
    asked = conversation(
        root(), node("q", "root", words="Where?"), first, second, edited, current="a2"
    )
    asked |= {"title": "Owls\0 at night", "is_archived": False, "is_starred": True}
    report = bring(bob, [asked])
    assert report["added"] == {"run": 1, "message": 4, "task": 2}
    run = found(bob, f"chatgpt:{asked['id']}")
    assert (run["name"], run["tags"], run["is_starred"]) == (
        "Owls\ufffd at night",
        ["chatgpt"],
        True,
    )
    assert line(run) == [("user", "Where?"), ("assistant", "In the tree.")]
    answer = run["messages"][-1]
    assert len(answer["versions"]) == 2
    assert answer["versions"][1] == answer["id"]  # the second of its versions
    task = get(bob, f"/api/tasks/{answer['task_id']}")
    told = (task["service"], task["provider"], task["model"], task["cost"], task["tokens_total"])
    assert told == ("import", "openai", "gpt-5", None, None)
    assert run["created_at"].startswith("2023-11-14T22:13:20.25")
    assert run["total_cost"] is None
    again = bring(bob, [asked])
    assert (again["added"], again["grown"], again["there"]) == ({}, {}, {"run": 1})


def test_what_chatgpt_hides_calls_and_thinks_becomes_something_sensible(bob: Client) -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Owls", "content": "Birds."}]}
    recap = {"content_type": "reasoning_recap", "content": "Thought for 3 s"}
    code = {"content_type": "code", "language": "python", "text": "print(1)"}
    output = {"content_type": "execution_output", "text": "1"}
    tool = {"role": "tool", "name": "python"}
    mark = "\ue200cite\ue202turn0search1\ue201"
    link = {"matched_text": mark, "alt": "([source](https://example.com))"}
    context = {
        "content_type": "user_editable_context",
        "user_profile": "I count.",
        "user_instructions": "",
    }
    asked = conversation(
        root(),
        node("empty", "root", "system"),
        node(
            "context",
            "empty",
            "user",
            content=context,
            metadata={"is_visually_hidden_from_conversation": True},
        ),
        node("q", "context", words="How many?"),
        node("thoughts", "q", "assistant", content=thoughts),
        node("recap", "thoughts", "assistant", content=recap),
        node("call", "recap", "assistant", content=code, recipient="python"),
        node("result", "call", author=tool, content=output),
        node("extra", "result", author={"role": "tool", "name": "file_search"}, words="A file."),
        node(
            "a",
            "extra",
            "assistant",
            f"One. {mark}{mark.replace('1', '2')}",
            metadata={"model_slug": "o3", "content_references": [link]},
        ),
        node(
            "x",
            "a",
            "assistant",
            content={"content_type": "super_widget", "widget": {"kind": "map"}},
        ),
    )
    bring(bob, [asked])
    run = found(bob, f"chatgpt:{asked['id']}")
    roles = [each["role"] for each in run["messages"]]
    assert roles == ["user", "user", "assistant", "tool", "system", "assistant", "assistant"]
    context_message, _, called, result, extra, answer, widget = run["messages"]
    assert context_message["metadata"]["hidden"] is True
    [call] = called["tool_calls"]
    assert call["function"] == {"name": "python", "arguments": "print(1)"}
    assert (result["content"], result["tool_call_id"]) == ("1", call["id"])
    assert extra["metadata"]["tool"] == "file_search"
    assert answer["content"] == "One. ([source](https://example.com))"
    assert '"map"' in widget["content"]
    reasoning = get(bob, f"/api/tasks/{called['task_id']}")["response_data"]["reasoning"]
    assert reasoning == "Owls\nBirds.\n\nThought for 3 s"


def test_the_many_files_of_2026_come_with_pictures_and_the_names_of_other_files(
    bob: Client,
) -> None:
    files = with_picture()
    report = bring(bob, zipped(files))
    assert report["reasons"] == []
    assert report["added"] == {"run": 3, "message": 6, "task": 3, "attachment": 1}
    assert report["left_out"] == {"file": 3}
    run = found(bob, f"chatgpt:{files['conversations-000.json'][0]['id']}")
    words, picture, gone, pdf = run["messages"][0]["content"]
    assert words["text"] == "What is it?"
    assert picture["name"] == "whiteboard.png"
    assert bob.get(f"/api/attachments/{picture['attachment_id']}").content == PNG
    assert (gone["name"], pdf["name"]) == ("gone.jpg", "notes.pdf")
    assert "attachment_id" not in gone
    assert bring(bob, zipped(files))["there"] == {"run": 3}
    page = bob.get(f"/api/runs/{run['id']}/export?format=text").text
    assert "gone.jpg" in page


def test_a_run_goes_on_although_a_file_is_absent(alice: Client) -> None:
    files = with_picture()
    bring(alice, zipped(files))
    run = found(alice, f"chatgpt:{files['conversations-000.json'][0]['id']}")
    assert execute(alice, run_id=run["id"], messages=[user("And now?")])["status"] == "completed"
    sent = get(alice, f"/api/runs/{run['id']}/export", format="jsonl")["messages"][0]["content"]
    assert [part["type"] for part in sent] == ["text", "image_url", "text", "text"]
    assert "gone.jpg" in sent[2]["text"]


def test_a_conversation_that_has_grown_gets_what_is_new(bob: Client) -> None:
    old = talk()
    bring(bob, [old])
    run = found(bob, f"chatgpt:{old['id']}")
    more = json.loads(json.dumps(old))
    for each in (
        node("follow-up", "a", words="Why?"),
        node("because", "follow-up", "assistant", "So."),
    ):
        more["mapping"][each["id"]] = each
        more["mapping"][each["parent"]]["children"].append(each["id"])
    more["current_node"] = "because"
    report = bring(bob, [more, talk("Another")])
    assert (report["grown"], report["added"]) == ({"run": 1}, {"run": 1, "message": 4, "task": 2})
    grown = found(bob, f"chatgpt:{old['id']}")
    assert (grown["id"], grown["message_count"], grown["task_count"]) == (run["id"], 4, 2)
    assert line(grown)[2:] == [("user", "Why?"), ("assistant", "So.")]
    older = bring(bob, [old])
    assert (older["there"], older["grown"]) == ({"run": 1}, {})
    assert line(found(bob, f"chatgpt:{old['id']}")) == line(grown)


def test_what_somebody_has_said_since_stays_at_the_end_of_the_line(bob: Client) -> None:
    old = talk()
    bring(bob, [old])
    run = found(bob, f"chatgpt:{old['id']}")
    said = bob.post(f"/api/runs/{run['id']}/messages", json={"role": "user", "content": "Mine"})
    assert said.status_code == 201
    more = json.loads(json.dumps(old))
    more["mapping"]["later"] = node("later", "a", words="Theirs")
    more["current_node"] = "later"
    assert bring(bob, [more])["grown"] == {"run": 1}
    grown = found(bob, f"chatgpt:{old['id']}")
    assert line(grown)[-1] == ("user", "Mine")
    assert len(grown["messages"][-1]["versions"]) == 2


def test_two_people_import_the_same_file(alice: Client, bob: Client) -> None:
    both = talk()
    assert bring(alice, [both])["added"]["run"] == 1
    assert bring(bob, [both])["added"]["run"] == 1
    mine, theirs = (found(each, f"chatgpt:{both['id']}") for each in (alice, bob))
    assert mine == theirs
    assert bring(bob, alice.get(f"/api/runs/{mine['id']}/export?format=json").content)["there"][
        "run"
    ]


def test_one_bad_conversation_among_good_ones_is_told_with_its_place_and_name(bob: Client) -> None:
    ring = conversation(root("x"), node("a", "b"), node("b", "a"), title="Ring")
    surrogate = talk("Half \ud83d of a pair")
    records = [talk("Good"), {"title": "Nothing"}, ring, surrogate, talk("Last")]
    report = bring(bob, [*records, conversation(root(), title="Empty")])
    assert (report["added"]["run"], report["refused"]) == (3, {"record": 2})
    told = [(each["place"], each["title"], each["reason"]) for each in report["reasons"]]
    assert told[0] == ("2", "Nothing", "It is no conversation of a form that is known.")
    assert told[1] == ("3", "Ring", "Its nodes are each other's parents.")
    assert report["left_out"] == {"empty conversation": 1}
    name = found(bob, f"chatgpt:{surrogate['id']}")["name"]
    assert name == "Half \ufffd of a pair"


def test_a_file_that_was_cut_off_brings_what_is_whole(bob: Client) -> None:
    whole = json.dumps([talk("First"), talk("Second")]).encode()
    report = bring(bob, whole[:-40])
    assert (report["added"]["run"], report["refused"]) == (1, {"record": 1})
    assert "cut off" in report["reasons"][0]["reason"]
    packed = zipped({"conversations.json": [talk()]})
    assert "cut off" in problem(bob.post("/api/import", content=packed[:-30]), 400)["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"an owl",
        b"\x00" * 100,
        b"[[[1, 2], {}], 3]",
        b'{"owl": 1}',
        zipped({"owl.txt": b"hoot", "user.json": {"id": 1}}),
        zipped({}),
        b"SQLite format 3\0 and not",
        b"%PDF-1.7",
    ],
)
def test_what_is_nothing_known_is_refused_with_what_is(bob: Client, content: bytes) -> None:
    told = problem(bob.post("/api/import", content=content), 400)["detail"]
    assert "ChatGPT" in told or "cannot be read" in told


def test_claude_thinks_calls_tools_branches_and_names_files(bob: Client) -> None:
    top = "00000000-0000-4000-8000-000000000000"
    pasted = {"file_name": "", "file_size": 7, "file_type": "txt", "extracted_content": "# Owls\n"}
    asked = message(
        "human",
        "Find it",
        parent_message_uuid=top,
        attachments=[pasted],
        files=[{"file_name": "owl.jpg"}],
    )
    use = {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "owl"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "name": "search",
        "content": [{"type": "text", "text": "Found"}],
    }
    thinking = {"type": "thinking", "thinking": "Hm."}
    alone = {"type": "tool_use", "id": "t2", "name": "artifacts", "input": {"title": "Owl"}}
    answer = message(
        "assistant",
        thinking,
        "Looking.",
        use,
        result,
        "There.",
        alone,
        parent_message_uuid=asked["uuid"],
    )
    other = message(
        "assistant",
        "No idea.",
        parent_message_uuid=asked["uuid"],
        created_at="2025-01-01T10:05:00Z",
    )
    record = claude(asked, answer, other, current_leaf_message_uuid=answer["uuid"])
    files = {
        "conversations.json": [record, claude()],
        "projects.json": [{"uuid": "p"}, {"uuid": "r"}],
        "users.json": [{"uuid": "u"}],
    }
    report = bring(bob, zipped(files))
    assert report["left_out"] == {"empty conversation": 1, "project": 2, "user": 1}
    run = found(bob, f"claude:{record['uuid']}")
    assert [each["role"] for each in run["messages"]] == ["user", "assistant", "tool", "assistant"]
    question, called, told, end = run["messages"]
    words, text_file, picture = question["content"]
    assert bob.get(f"/api/attachments/{text_file['attachment_id']}").content == b"# Owls\n"
    assert (words["text"], text_file["name"], picture["name"]) == (
        "Find it",
        "pasted.txt",
        "owl.jpg",
    )
    assert (called["content"], len(called["versions"])) == ("Looking.", 2)
    assert (told["content"], told["tool_call_id"]) == ("Found", "t1")
    assert end["content"].startswith("There.\nCalled artifacts:")
    task = get(bob, f"/api/tasks/{called['task_id']}")
    assert (task["provider"], task["model"], task["response_data"]) == (
        "anthropic",
        None,
        {"reasoning": "Hm."},
    )
    assert bring(bob, zipped(files))["there"] == {"run": 1}


def test_sharegpt_in_its_variants(bob: Client) -> None:
    own = uuid4().hex
    records = [
        {
            "id": own,
            "conversations": [
                {"from": "human", "value": f"Hi {own}"},
                {"from": "gpt", "value": "Hello"},
            ],
        },
        {
            "items": [{"from": "user", "value": f"A {own}"}, {"from": "assistant", "text": "B"}],
            "model": "gpt-4",
        },
        {
            "system": "Be short.",
            "conversations": [
                {"from": "human", "value": f"Add {own}"},
                {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 1}}'},
                {"from": "observation", "value": "1"},
                {"from": "gpt", "value": "One"},
            ],
        },
        {
            "conversations": [
                {"role": "user", "content": f"Roles {own}"},
                {"role": "assistant", "content": "Yes"},
            ]
        },
        {"conversations": [{"from": "wizard", "value": "?"}]},
    ]
    report = bring(bob, records)
    assert (report["added"], report["refused"]) == (
        {"run": 4, "message": 11, "task": 1},
        {"record": 1},
    )
    assert bring(bob, lines(*records[:4]))["there"] == {"run": 4}
    runs = get(bob, "/api/runs", q=f"add {own}", limit=5)["items"]
    run = get(bob, f"/api/runs/{runs[0]['id']}", window=9)
    assert [each["role"] for each in run["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert (run["source_type"], run["tags"]) == ("custom", ["sharegpt"])


def test_examples_and_preferences_for_fine_tuning(bob: Client) -> None:
    own = uuid4().hex
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    example = {
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": f"Tune {own}"},
            {"role": "assistant", "content": None, "tool_calls": [call], "weight": 0},
            {"role": "tool", "tool_call_id": "c", "content": "4"},
            {"role": "assistant", "content": "Four", "weight": 1},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    preference = {
        "input": {"messages": [{"role": "user", "content": f"Prefer {own}"}]},
        "preferred_output": [{"role": "assistant", "content": "Good"}],
        "non_preferred_output": [{"role": "assistant", "content": "Bad"}],
    }
    content = (
        lines(example, preference)
        + b'\n{"messages": [{"role"\n'
        + lines({"messages": [{"role": "wizard"}]})
    )
    report = bring(bob, content)
    assert (report["added"], report["refused"]) == ({"run": 2, "message": 8}, {"record": 2})
    assert [each["place"] for each in report["reasons"]] == ["3", "4"]
    [found_run] = get(bob, "/api/runs", q=f"prefer {own}", limit=5)["items"]
    run = get(bob, f"/api/runs/{found_run['id']}", window=9)
    assert line(run)[-1] == ("assistant", "Good")
    assert len(run["messages"][-1]["versions"]) == 2
    [found_run] = get(bob, "/api/runs", q=f"tune {own}", limit=5)["items"]
    run = get(bob, f"/api/runs/{found_run['id']}", window=9)
    assert run["settings"] == {"tools": example["tools"]}
    assert [each["metadata"].get("weight") for each in run["messages"]] == [None, None, 0, None, 1]
    back = bob.get(f"/api/runs/{run['id']}/export?format=jsonl").json()
    assert back["messages"][2]["tool_calls"] == [call]
    assert bring(bob, content)["there"] == {"run": 2}


def test_how_far_it_is_comes_as_lines(bob: Client) -> None:
    content = json.dumps([foreign.talk(f"Line {n}") for n in range(120)]).encode()
    headers = {"accept": "application/x-ndjson"}
    told = [
        json.loads(each)
        for each in bob.post("/api/import", content=content, headers=headers).iter_lines()
    ]
    assert told[0] == {"share": 0.0, "runs": 0}
    assert told[-1]["report"]["added"]["run"] == 120
    [*_, last] = bob.post("/api/import", content=b"owl", headers=headers).iter_lines()
    assert "ChatGPT" in json.loads(last)["error"]

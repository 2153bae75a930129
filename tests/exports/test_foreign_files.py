"""Files that are logs of llm, that are hostile, or that have many conversations."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.errors import TooLarge
from airuns.server.db.door import Database
from airuns.server.exports.bringing import import_file
from airuns.server.exports.foreign.items import items
from airuns.server.exports.foreign.recognising import Limits
from tests.conftest import Run
from tests.exports import llm
from tests.exports.foreign import conversation, node, root, talk, zipped
from tests.exports.taking import brought
from tests.exports.test_foreign import bring, found, line
from tests.people import BOB
from tests.runs.calling import get


def test_logs_of_llm_of_all_ages(bob: Client, tmp_path: Path) -> None:
    own = uuid4().hex
    llm.first(tmp_path / "logs.db", own)
    report = bring(bob, (tmp_path / "logs.db").read_bytes())
    assert report["added"] == {"run": 2, "message": 7, "task": 3}
    run = found(bob, f"llm:{own}")
    texts = ["Be short.", "Where?", "Here.", "Why?", "So."]
    assert (run["name"], [words for _, words in line(run)]) == ("Owls", texts)
    task = get(bob, f"/api/tasks/{run['messages'][2]['task_id']}")
    assert (task["provider"], task["model"], task["total_time"]) == ("openai", "gpt-4", 1.5)
    assert (task["tokens_input"], task["cost"]) == (None, None)
    assert get(bob, f"/api/tasks/{task['task_id']}/request")["temperature"] == 0.5
    assert bring(bob, (tmp_path / "logs.db").read_bytes())["there"] == {"run": 2}


def test_logs_of_llm_with_tools_files_and_threads(bob: Client, tmp_path: Path) -> None:
    own = uuid4().hex
    llm.newest(tmp_path / "logs.db", own)
    report = bring(bob, (tmp_path / "logs.db").read_bytes())
    assert report["reasons"] == []
    assert report["added"] == {"run": 3, "message": 11, "task": 5, "attachment": 1}
    run = found(bob, f"llm:{own}")
    assert [each["role"] for each in run["messages"]] == [
        *("system", "user", "assistant", "tool", "user", "assistant")
    ]
    novel, prompt, picture, link = run["messages"][1]["content"]
    assert (novel["text"], prompt["text"], picture["name"]) == (
        "A long novel.",
        "Where?",
        "owl.png",
    )
    assert link == {"type": "image_url", "image_url": {"url": "https://example.com/o.png"}}
    assert run["messages"][3]["tool_call_id"] == run["messages"][2]["tool_calls"][0]["id"]
    task = get(bob, f"/api/tasks/{run['messages'][2]['task_id']}")
    assert (task["tokens_input"], task["tokens_output"], task["tokens_total"]) == (10, 0, 10)
    thread = found(bob, f"llm:{own}t")
    assert line(thread) == [("user", "A long novel. Who?"), ("assistant", "Two.")]
    first, second = thread["messages"][-1]["versions"]
    assert second == thread["messages"][-1]["id"]
    records = get(bob, f"/api/runs/{thread['id']}/export", format="json")["records"]
    tasks = [each for each in records if each["type"] == "task"]
    reasoning = {(each["response_data"] or {}).get("reasoning") for each in tasks}
    assert reasoning == {"Hm.", None}
    assert {(each["provider"], each["model"]) for each in tasks} == {("anthropic", "claude-x")}
    assert first != second


@pytest.mark.parametrize("name", ["conversations.json", "picture"])
def test_a_zip_that_grows_without_end_is_stopped(
    db: Database, run: Run, tmp_path: Path, name: str
) -> None:
    """Whatever the zip says of its sizes: what comes out of it is counted."""
    path = tmp_path / "bomb.zip"
    limits = Limits(attachment=100_000, record=3_000_000, total=3_000_000)
    bomb = b"[" + b" " * 5_000_000
    if name == "picture":
        pointers = [f"file_{number:032x}" for number in range(60)]
        parts = [
            {"content_type": "image_asset_pointer", "asset_pointer": f"sediment://{each}"}
            for each in pointers
        ]
        content = {"content_type": "multimodal_text", "parts": parts}
        record = conversation(root(), node("q", "root", content=content))
        files: dict[str, Any] = {f"{each}.png": b"\0" * 100_000 for each in pointers}
        path.write_bytes(zipped({"a.json": [record], **files}, compression=zipfile.ZIP_DEFLATED))
    else:
        path.write_bytes(zipped({"a.json": [talk()], name: bomb}, compression=zipfile.ZIP_DEFLATED))
    report = run(import_file(db, BOB.who, path, limits))
    assert report.refused == {"record": 1}
    assert "AIRUNS_MAX_IMPORT" in report.reasons[0].reason


def test_a_conversation_without_end_is_not_held() -> None:
    endless = io.BytesIO(b'[{"mapping": "' + b"x" * 10_000_000)
    with pytest.raises(TooLarge):
        list(items(endless.read, 2_000_000))
    assert endless.tell() < 5_000_000


@settings(max_examples=30, deadline=None)
@given(
    records=st.lists(
        st.dictionaries(st.text(max_size=4), st.text('[]{}"\\,é', max_size=9), min_size=1),
        min_size=1,
        max_size=5,
    ),
    indent=st.none() | st.integers(0, 2),
    form=st.sampled_from(["list", "lines", "spread"]),
    size=st.integers(1, 40),
)
def test_objects_are_found_in_any_layout(
    records: list[dict[str, str]], indent: int | None, form: str, size: int
) -> None:
    match form:
        case "list":
            content = json.dumps(records, indent=indent).encode()
        case "lines":
            content = b"\n".join(json.dumps(each).encode() for each in records)
        case _:
            content = b"\n".join(json.dumps(each, indent=1).encode() for each in records)
    file = io.BytesIO(content)
    found_items = [each.fields() for each in items(lambda _: file.read(size), 10_000)]
    assert found_items == records


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(above=st.lists(st.integers(0, 20), min_size=1, max_size=12), cut=st.integers(1, 12))
def test_any_tree_comes_whole_at_once_or_as_it_grows(
    db: Database, run: Run, above: list[int], cut: int
) -> None:
    nodes = [root()]
    for number, place in enumerate(above):
        parent = nodes[place % len(nodes)]["id"]
        role = "assistant" if number % 2 else "user"
        nodes.append(
            node(f"n{number}", parent, role, f"Words {number}", create_time=1.7e9 + number)
        )
    whole = conversation(*nodes)
    part = conversation(*nodes[: cut + 1], conversation_id=whole["id"])

    async def both() -> None:
        first = await brought(db, BOB.who, json.dumps([part]).encode())
        second = await brought(db, BOB.who, json.dumps([whole]).encode())
        total = first.added["message"] + second.added.get("message", 0)
        assert (total, first.refused, second.refused) == (len(above), {}, {})
        again = await brought(db, BOB.who, json.dumps([whole]).encode())
        assert (again.added, again.there) == ({}, {"run": 1})
        async with db.transaction(BOB.who) as tx:
            rows = await tx.rows(
                "select m.content, p.content as above, r.head_message_id = m.id as is_head,"
                " r.message_count from airuns.ai_runs as r join airuns.ai_messages as m"
                " on m.user_id = r.user_id and m.run_id = r.id left join airuns.ai_messages as p"
                " on p.user_id = m.user_id and p.id = m.parent_id"
                " where r.user_id = %(user_id)s and r.source_id = %(source_id)s",
                user_id=BOB.user_id,
                source_id=f"chatgpt:{whole['id']}",
            )
        words = {each["id"]: each["message"]["content"]["parts"][0] for each in nodes[1:]}
        told = {(words[each["id"]], words.get(each["parent"])) for each in nodes[1:]}
        assert {(row["content"], row["above"]) for row in rows} == told
        assert [row["content"] for row in rows if row["is_head"]] == [f"Words {len(above) - 1}"]
        assert {row["message_count"] for row in rows} == {len(above)}

    run(both())

"""GET /api/runs and what stands around the list: previews, search, totals, tags, models, views."""

from uuid import uuid4

from httpx import Client

from tests.provider import Failure, Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, user
from tests.runs.test_runs import listed
from tests.serving import wait_until


def new_tag() -> str:
    return f"tag-{uuid4().hex[:8]}"


def test_a_list_shows_how_the_last_message_begins_and_how_the_last_task_stands(
    alice: Client, provider: ScriptedProvider
) -> None:
    tag = new_tag()
    run_id = execute(alice, messages=[user("**Why**\n\nis the sky blue?")], tags=[tag])["run_id"]
    [row] = listed(alice, tag=tag)
    assert (row["preview"], row["last_task_status"]) == ("**Why** is the sky blue?", "completed")

    failure = Failure(status=400, message="This model is\ntoo small.")
    provider.script("preview-fails", Script(failures=(failure,)))
    execute(alice, run_id=run_id, messages=[user("again")], model="openai/preview-fails")
    [row] = listed(alice, tag=tag)
    assert (row["preview"], row["last_task_status"]) == ("This model is too small.", "error")

    gate = Gate()
    provider.script("preview-waits", Script(pieces=("one", " two"), gate=gate))
    task_id = str(uuid4())
    with alice.stream(
        "POST",
        "/api/prompt/run",
        json={
            "run_id": run_id,
            "task_id": task_id,
            "messages": [user("go on")],
            "model": "openai/preview-waits",
            "stream": True,
        },
    ):
        gate.open(1)
        wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "streaming")
        [row] = listed(alice, tag=tag)
        assert (row["preview"], row["last_task_status"]) == ("go on", "pending")
        gate.open()
    wait_until(lambda: listed(alice, tag=tag)[0]["last_task_status"] == "completed")
    assert listed(alice, tag=tag)[0]["preview"] == "one two"

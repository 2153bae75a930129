"""GET /api/runs and what stands around the list: previews, search, totals, tags, models, views."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from httpx import Client

from airuns.server import ui
from airuns.server.db.door import Database
from airuns.server.runs import lists
from tests.people import ALICE, CHARLIE
from tests.provider import Failure, Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, problem, user
from tests.runs.test_runs import create, listed
from tests.serving import wait_until
from tests.sql.rows import add


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


def names(client: Client, **params: object) -> list[object]:
    return sorted(each["name"] for each in listed(client, **params))


def test_every_word_of_a_search_is_in_the_name_or_a_tag(alice: Client) -> None:
    tag = new_tag()
    for name, more in (("Red Apple", "Fruit"), ("Red car", "50%"), ("ÄPFEL pie", "a_b")):
        create(alice, name=name, tags=[tag, more])

    def found(q: str) -> list[object]:
        return names(alice, q=q, tag=tag)

    assert found("red") == ["Red Apple", "Red car"]
    assert found("  pPL \t RED ") == ["Red Apple"]
    assert found("red fruit") == ["Red Apple"]
    assert found(f"{tag} äpfel") == ["ÄPFEL pie"]
    assert found("%") == found("50%") == ["Red car"]
    assert found("_") == found("a_b") == ["ÄPFEL pie"]
    assert found("red pie") == found("'") == found("\\") == []
    assert len(found(" ")) == 3
    problem(alice.get("/api/runs", params={"q": "x" * 201}), 422, "q")
    problem(alice.get("/api/runs", params={"q": "a\0b"}), 422, "q")


def test_runs_by_the_status_of_their_last_task(alice: Client) -> None:
    tag = new_tag()
    create(alice, name="none", tags=[tag])
    for name, model in (("good", "openai/echo"), ("bad", "openai/fail:400")):
        execute(alice, messages=[user("x")], model=model, name=name, tags=[tag])
    assert names(alice, tag=tag, last_status="completed") == ["good"]
    assert names(alice, tag=tag, last_status="error") == ["bad"]
    assert names(alice, tag=tag, last_status="pending") == []
    problem(alice.get("/api/runs", params={"last_status": "streaming"}), 422, "last_status")


def test_totals_sum_up_what_a_list_has(alice: Client) -> None:
    tag = new_tag()
    nothing = {"runs": 0, "messages": 0, "tokens": 0, "cost": "0", "unpriced": 0}
    assert get(alice, "/api/runs/totals", tag=tag) == nothing
    create(alice, name="no task", tags=[tag])
    assert get(alice, "/api/runs/totals", tag=tag) == {**nothing, "runs": 1}
    for name, cost in (("a", "0.1"), ("b", "0.2")):
        run_id = create(alice, name=name, tags=[tag])["id"]
        task_id = alice.post("/api/tasks", json={"run_id": run_id}).json()["task_id"]
        done = {"response_text": "x", "tokens_input": 3, "tokens_output": 4, "cost": cost}
        assert alice.post(f"/api/tasks/{task_id}/complete", json=done).status_code == 200
    unpriced = execute(alice, messages=[user("x")], tags=[tag], name="zz")["run_id"]
    totals = get(alice, "/api/runs/totals", tag=tag)
    tokens = 14 + get(alice, f"/api/runs/{unpriced}")["total_tokens"]
    assert totals == {"runs": 4, "messages": 4, "tokens": tokens, "cost": "0.3", "unpriced": 1}
    only = get(alice, "/api/runs/totals", tag=tag, q="zz")
    assert (only["runs"], only["cost"], only["unpriced"]) == (1, None, 1)


def test_tags_and_models_in_use(alice: Client, charlie: Client) -> None:
    tag, rare = new_tag(), new_tag()
    model = f"openai/{new_tag()}"
    for tags in ([tag], [tag], [tag, rare]):
        run_id = create(alice, name="x", tags=tags, settings={"model": model})["id"]
    alice.delete(f"/api/runs/{create(alice, name='gone', tags=[tag])['id']}")
    counted = get(alice, "/api/runs/tags")["items"]
    assert {"name": tag, "count": 3} in counted
    assert [each["count"] for each in counted] == sorted(
        (each["count"] for each in counted), reverse=True
    )
    assert {"name": model, "count": 3} in get(alice, "/api/runs/models")["items"]
    assert tag not in str(get(charlie, "/api/runs/tags"))
    assert get(charlie, "/api/runs/totals", q=str(run_id))["runs"] == 0
    assert model not in str(get(charlie, "/api/runs/models"))


async def test_views_count_what_they_have(own_database_url: str) -> None:
    db = Database(own_database_url, 2)
    await db.open()
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {},
        {"is_starred": True},
        {"archived_at": now},
        {"archived_at": now, "is_starred": True},
        {"deleted_at": now},
        {"deleted_at": now, "archived_at": now, "is_starred": True},
    ]
    async with db.transaction(ALICE.who) as tx:
        for more in rows:
            await add(tx, "ai_runs", ALICE.user_id, **more)
        counts = await lists.views(tx, ALICE.user_id)
        some = await lists.views(tx, ALICE.user_id, 1)
        sums = await lists.totals(tx, ALICE.user_id, lists.RunFilter(), 3)
    async with db.transaction(CHARLIE.who) as tx:
        assert await lists.views(tx, ALICE.user_id) == lists.Views(0, 0, 0, 0)
    await db.close()
    assert counts == lists.Views(all=2, starred=1, archived=2, deleted=2)
    assert some == lists.Views(all=1, starred=1, archived=1, deleted=1)
    assert sums.runs == 3


def test_a_view_that_is_not_counted_to_its_end_says_so() -> None:
    views = lists.Views(all=100_001, starred=100_000, archived=12, deleted=0)
    template = ui.templates().get_template("runs/pages/_run_views.html")
    said = template.render(views=views, most=100_000, tags=[], models=[])
    assert re.findall(r'class="count">([^<]*)<', said) == ["100,000+", "100,000", "12", "0"]

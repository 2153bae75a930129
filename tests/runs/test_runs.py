"""/api/runs and /api/runs/{id}/messages: create, list, change, delete, restore, purge, fork."""

from uuid import UUID, uuid4

import pytest
from httpx import Client

from airuns.server.db.door import Database
from airuns.server.runs import store
from tests.conftest import Run
from tests.people import ALICE
from tests.runs.calling import execute, get, problem, user


def create(client: Client, **body: object) -> dict[str, object]:
    answer = client.post("/api/runs", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(client: Client, **params: object) -> list[dict[str, object]]:
    """Every run that a list has, page by page."""
    items, cursor = [], None
    while True:
        page = get(client, "/api/runs", **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def test_a_run_is_made_filled_and_read(alice: Client) -> None:
    run = create(alice, name="My run", tags=["a"], metadata={"x": 1}, broker_values={"day": "Sat"})
    assert (run["name"], run["tags"], run["source_type"]) == ("My run", ["a"], "custom")
    assert (run["total_tokens"], run["total_cost"], run["message_count"]) == (0, "0", 0)
    path = f"/api/runs/{run['id']}/messages"
    first = alice.post(path, json=user("hello")).json()
    second = alice.post(path, json={"role": "assistant", "content": "hi"}).json()
    assert second["parent_id"] == first["id"]
    branch = alice.post(path, json={**user("other"), "parent_id": None}).json()
    assert branch["versions"] == [first["id"], branch["id"]]
    now = get(alice, f"/api/runs/{run['id']}")
    assert [each["content"] for each in now["messages"]] == ["other"]
    assert now["message_count"] == 3


def test_creating_a_run_again_with_its_id_changes_nothing(alice: Client) -> None:
    run_id = str(uuid4())
    create(alice, id=run_id, name="First")
    assert create(alice, id=run_id, name="Second")["name"] == "First"


def test_a_run_is_changed(alice: Client) -> None:
    run_id = execute(alice, messages=[user("change me")])["run_id"]
    changed = alice.patch(
        f"/api/runs/{run_id}",
        json={"name": "Röd <b>", "is_starred": True, "tags": ["x"], "archived": True},
    ).json()
    assert (changed["name"], changed["is_starred"], changed["tags"]) == ("Röd <b>", True, ["x"])
    assert changed["archived_at"] is not None
    assert changed["status"] == "active"
    again = alice.patch(f"/api/runs/{run_id}", json={"archived": False}).json()
    assert (again["archived_at"], again["is_starred"]) == (None, True)


def test_delete_restore_purge(alice: Client) -> None:
    run_id = execute(alice, messages=[user("delete me")])["run_id"]
    path = f"/api/runs/{run_id}"
    problem(alice.delete(path, params={"purge": True}), 409)
    assert alice.delete(path).status_code == 204
    problem(alice.get(path), 404)
    assert run_id in [each["id"] for each in listed(alice, deleted=True)]
    assert alice.post(f"{path}/restore").json()["message_count"] == 2
    assert alice.delete(path).status_code == 204
    assert alice.delete(path, params={"purge": True}).status_code == 204
    problem(alice.post(f"{path}/restore"), 404)


def test_deleting_a_prompt_takes_its_runs_and_restoring_brings_them_back(alice: Client) -> None:
    prompt = alice.post("/api/prompts", json={"name": "P", "messages": [user("hi")]}).json()
    run_id = execute(alice, prompt_id=prompt["id"])["run_id"]
    alice.delete(f"/api/prompts/{prompt['id']}")
    problem(alice.get(f"/api/runs/{run_id}"), 404)
    problem(alice.post(f"/api/runs/{run_id}/restore"), 409)
    alice.post(f"/api/prompts/{prompt['id']}/restore")
    assert get(alice, f"/api/runs/{run_id}")["message_count"] == 2


def test_a_fork_goes_on_by_itself(alice: Client) -> None:
    first = execute(alice, messages=[user("one")])
    execute(alice, run_id=first["run_id"], messages=[user("two")])
    run = get(alice, f"/api/runs/{first['run_id']}")
    answer = alice.post(
        f"/api/runs/{run['id']}/fork", json={"message_id": run["messages"][1]["id"]}
    )
    fork = answer.json()
    assert [each["content"] for each in fork["messages"]] == ["one", "one"]
    assert fork["metadata"]["forked_from"]["run_id"] == run["id"]
    execute(alice, run_id=fork["id"], messages=[user("elsewhere")])
    assert get(alice, f"/api/runs/{run['id']}")["message_count"] == 4


def test_a_long_run_opens_at_its_end_and_is_read_upwards(alice: Client) -> None:
    run = create(alice, name="Long")
    path = f"/api/runs/{run['id']}/messages"
    for number in range(25):
        alice.post(path, json=user(str(number)))
    opened = get(alice, f"/api/runs/{run['id']}", window=10)
    assert [each["content"] for each in opened["messages"]] == [str(n) for n in range(15, 25)]
    assert opened["earlier_messages"] == 15
    earlier = get(alice, path, before=opened["messages"][0]["id"], limit=10)
    assert [each["content"] for each in earlier["items"]] == [str(n) for n in range(5, 15)]
    assert earlier["earlier_messages"] == 5
    first = get(alice, path, before=earlier["items"][0]["id"], limit=10)
    assert [each["content"] for each in first["items"]] == [str(n) for n in range(5)]
    assert get(alice, path, before=first["items"][0]["id"])["items"] == []


@pytest.fixture(scope="module")
def tag(alice: Client) -> str:
    """Runs of one tag: seven, of which some are starred, archived, or of another source."""
    tag = f"list-{uuid4().hex[:8]}"
    for number in range(7):
        run = create(
            alice,
            name=f"{'gfedcba'[number]} run",
            tags=[tag],
            source_type="chat" if number % 2 else "custom",
            settings={"model": f"openai/m{number % 3}"},
        )
        for _ in range(number):
            alice.post(f"/api/runs/{run['id']}/messages", json=user("x"))
        alice.patch(
            f"/api/runs/{run['id']}", json={"is_starred": number < 2, "archived": number == 6}
        )
    return tag


@pytest.mark.parametrize(
    ("sort", "key", "reverse"),
    [
        ("recent", "last_message_at", True),
        ("oldest", "created_at", False),
        ("name", "name", False),
        ("messages", "message_count", True),
        ("cost", "total_cost", True),
    ],
)
def test_pages_of_each_sort_hold_every_run_once_and_in_order(
    alice: Client, tag: str, sort: str, key: str, reverse: bool
) -> None:
    runs = listed(alice, tag=tag, sort=sort, limit=2)
    assert len({each["id"] for each in runs}) == len(runs) == 6
    keys = [each[key] for each in runs]
    assert keys == sorted(keys, reverse=reverse)


def test_filters(alice: Client, tag: str) -> None:
    def names(**params: object) -> list[object]:
        return sorted(each["name"][0] for each in listed(alice, tag=tag, **params))

    assert names(starred=True) == ["f", "g"]
    assert names(starred=False) == ["b", "c", "d", "e"]
    assert names(source_type="chat") == ["b", "d", "f"]
    assert names(model="openai/m0") == ["d", "g"]
    assert names(archived=True) == ["a"]
    assert names(status="error") == []
    assert names(since="2000-01-01T00:00:00Z") == ["b", "c", "d", "e", "f", "g"]
    assert names(before="2000-01-01T00:00:00Z") == []


def test_a_cost_that_is_unknown_sorts_last(alice: Client) -> None:
    tag = f"cost-{uuid4().hex[:8]}"
    for model in ("openai/echo", "openai/gpt-4o-mini"):
        execute(alice, messages=[user("x")], model=model, tags=[tag])
    costs = [each["total_cost"] for each in listed(alice, tag=tag, sort="cost", limit=1)]
    assert costs == [None, None] or costs[-1] is None


def test_lists_show_no_one_elses_runs(alice: Client, charlie: Client, tag: str) -> None:
    assert listed(charlie, tag=tag) == []
    run_id = listed(alice, tag=tag)[0]["id"]
    missing = str(uuid4())

    def answers(identifier: str) -> list[tuple[int, str]]:
        path = f"/api/runs/{identifier}"
        calls = [
            charlie.get(path),
            charlie.patch(path, json={"name": "mine"}),
            charlie.delete(path),
            charlie.post(f"{path}/restore"),
            charlie.post(f"{path}/fork", json={}),
            charlie.get(f"{path}/messages"),
            charlie.post(f"{path}/messages", json=user("hi")),
            charlie.post("/api/prompt/run", json={"run_id": identifier, "messages": [user("x")]}),
            charlie.post("/api/tasks", json={"run_id": identifier}),
        ]
        return [(each.status_code, each.text.replace(identifier, "ID")) for each in calls]

    assert answers(str(run_id)) == answers(missing)
    assert {status for status, _ in answers(missing)} == {404}


def test_cursors_of_another_list_are_refused(alice: Client, tag: str) -> None:
    cursor = get(alice, "/api/runs", sort="name", limit=1)["next_cursor"]
    problem(alice.get("/api/runs", params={"sort": "recent", "cursor": cursor}), 422, "cursor")
    problem(alice.get("/api/runs", params={"cursor": "garbage"}), 422, "cursor")


def test_ids_are_uuids_of_version_7(alice: Client) -> None:
    result = execute(alice, messages=[user("x")])
    assert UUID(result["run_id"]).version == UUID(result["task_id"]).version == 7


def test_a_run_that_was_deleted_under_its_task_is_purged(
    alice: Client, db: Database, run: Run
) -> None:
    run_id = create(alice, name="raced")["id"]
    assert alice.post("/api/tasks", json={"run_id": run_id}).status_code == 201

    async def delete_without_stopping() -> None:
        async with db.transaction(ALICE.who) as tx:
            await store.delete(tx, ALICE.user_id, UUID(str(run_id)))

    run(delete_without_stopping())
    assert alice.delete(f"/api/runs/{run_id}", params={"purge": True}).status_code == 204

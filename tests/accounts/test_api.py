"""Accounts over the API: keys, users, and what a stranger is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.people import ALICE, BOB
from tests.serving import Served, airuns, wait_until


def test_me(alice: httpx.Client, bob: httpx.Client) -> None:
    assert alice.get("/api/me").json() == {
        "id": str(ALICE.user_id),
        "username": "alice",
        "display_name": "Alice",
        "is_owner": True,
        "session_id": None,
    }
    assert bob.get("/api/me").json()["is_owner"] is False


def test_without_a_key_one_is_told_how_to_get_in(server: Served) -> None:
    with server.client() as nobody:
        refused = nobody.get("/api/me")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "airuns key create NAME" in refused.json()["detail"]
    assert "/sign-in" in refused.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["Bearer air_wrong", "Bearer", "Basic YTpi", "Bearer \u00e4", "air_x", "Bearer " + "x" * 5000],
)
def test_a_wrong_key_is_named(server: Served, header: str) -> None:
    with server.client() as nobody:
        refused = nobody.get("/api/me", headers=[(b"Authorization", header.encode())])
    assert refused.status_code == 401
    assert "Authorization header" in refused.json()["detail"]
    assert "airuns key create NAME" in refused.json()["detail"]


def test_a_key_works_until_it_is_revoked(alice: httpx.Client, server: Served) -> None:
    made = alice.post("/api/keys", json={"name": "ci"})
    assert made.status_code == 201
    key = made.json()
    assert key["key"].startswith(key["prefix"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    with server.client() as client:
        assert client.get("/api/me", headers=headers).status_code == 200
        listed = {row["id"]: row for row in alice.get("/api/keys").json()["items"]}
        assert listed[key["id"]]["last_used_at"] is not None
        assert "key" not in listed[key["id"]]
        assert alice.delete(f"/api/keys/{key['id']}").status_code == 204
        assert client.get("/api/me", headers=headers).status_code == 401


def test_a_key_that_another_process_revokes_stops_working(
    alice: httpx.Client, server: Served, database_url: str
) -> None:
    key = alice.post("/api/keys", json={"name": "elsewhere"}).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    with server.client() as client:
        assert client.get("/api/me", headers=headers).status_code == 200
        done = airuns(
            server.data_dir, "key", "revoke", "elsewhere", AIRUNS_DATABASE_URL=database_url
        )
        assert done.returncode == 0, done.stderr
        wait_until(lambda: client.get("/api/me", headers=headers).status_code == 401, timeout=10)


def test_keys_are_paged(bob: httpx.Client) -> None:
    made = [bob.post("/api/keys", json={"name": f"k{n}"}).json()["id"] for n in range(5)]
    first = bob.get("/api/keys", params={"limit": 2}).json()
    second = bob.get("/api/keys", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[:0:-1]
    for params in ({"limit": 0}, {"limit": 9999}, {"cursor": "nonsense"}):
        refused = bob.get("/api/keys", params=params)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (
            422,
            next(iter(params)),
        )


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": "k", "no": 1}])
def test_a_bad_key_name_is_refused(alice: httpx.Client, body: dict[str, object]) -> None:
    refused = alice.post("/api/keys", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


def test_anothers_key_and_no_key_are_the_same(alice: httpx.Client, charlie: httpx.Client) -> None:
    key_id = alice.post("/api/keys", json={"name": "mine"}).json()["id"]
    other = "00000000-0000-7000-8000-000000000000"
    refused = [charlie.delete(f"/api/keys/{id}") for id in (key_id, other)]  # noqa: A001
    assert [one.status_code for one in refused] == [404, 404]
    assert refused[0].json()["detail"].replace(key_id, other) == refused[1].json()["detail"]
    wrong = charlie.delete("/api/keys/nonsense")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "key_id")


def test_only_the_owner_manages_users(alice: httpx.Client, bob: httpx.Client) -> None:
    names = {row["username"] for row in alice.get("/api/users").json()["items"]}
    assert {"alice", "bob", "charlie"} <= names
    assert bob.get("/api/users").status_code == 403
    assert bob.post("/api/users", json={"username": "x"}).status_code == 403
    assert bob.patch(f"/api/users/{ALICE.user_id}", json={"is_active": False}).status_code == 403
    assert alice.patch(f"/api/users/{ALICE.user_id}", json={"is_active": False}).status_code == 409
    missing = "00000000-0000-7000-8000-000000000000"
    assert alice.patch(f"/api/users/{missing}", json={"is_active": False}).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "a b"}, "username"),
        ({"username": "zed", "password": "short"}, "password"),
        ({"username": "zed", "display_name": "\n"}, "display_name"),
    ],
)
def test_a_user_that_cannot_be_is_refused(
    alice: httpx.Client, body: dict[str, str], field: str
) -> None:
    refused = alice.post("/api/users", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_a_name_is_taken_once(alice: httpx.Client) -> None:
    refused = alice.post("/api/users", json={"username": "BOB"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "username")


def test_a_key_cannot_set_the_first_password(bob: httpx.Client) -> None:
    refused = bob.put("/api/me/password", json={"new_password": "a new password"})
    assert refused.status_code == 403


def test_requests_in_a_row_cost_one_look_up(
    serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url)
    with served.client(BOB) as client, psycopg.connect(own_database_url) as connection:
        client.get("/api/me")
        connection.execute("set local role airuns_service")
        connection.execute("update airuns.users set is_active = false where username = 'bob'")
        connection.commit()
        assert client.get("/api/me").status_code == 200, "remembered"
        wait_until(lambda: client.get("/api/me").status_code == 401, timeout=10)


def test_many_requests_at_once_are_all_answered(alice: httpx.Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        codes = {answer.status_code for answer in pool.map(alice.get, ["/api/me"] * 100)}
    assert codes == {200}

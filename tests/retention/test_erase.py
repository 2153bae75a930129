"""`airuns user erase`: a user goes, with everything, and that is proven from the catalog."""

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from airuns.dev import seed as seeding
from airuns.dev.shape import Options
from airuns.server.db import embedded
from tests.dev.test_seed import UNTIL, quietly
from tests.people import ALICE, BOB, Person
from tests.retention.conftest import NewPerson
from tests.runs.calling import problem
from tests.serving import airuns, wait_until

TABLES = """
    select a.attrelid::regclass::text from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    where a.attname = 'user_id' and c.relkind = 'r' and c.relnamespace = 'airuns'::regnamespace
"""


def rows_of(root: psycopg.Connection, user_id: object) -> dict[str, int]:
    """Count the rows of a user in every table, as somebody from whom nothing is hidden."""
    counts: dict[str, int] = {}
    for (table,) in root.execute(TABLES).fetchall():
        query = f"select count(*) from {table} where user_id = %s"  # noqa: S608
        [counts[table]] = root.execute(query.encode(), [user_id]).fetchone() or (0,)
    return counts


def test_everything_of_a_user_goes_and_nothing_of_another(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    superuser = url.replace("airuns@", f"{embedded.SUPERUSER}@")
    options = Options(runs=120, users=2, messages=6, seed=3, days=30, until=UNTIL)
    seeding.seed(superuser, options, [BOB.user_id, ALICE.user_id], quietly)
    journal = tmp_path / "journal" / "some-process" / f"{BOB.user_id}.some-task"
    journal.parent.mkdir(parents=True)
    journal.touch()

    def erase(*args: str) -> tuple[int, str]:
        done = airuns(tmp_path, "user", "erase", *args, AIRUNS_DATABASE_URL=url)
        return done.returncode, done.stdout + done.stderr

    with psycopg.connect(superuser, autocommit=True) as root:
        alices, bobs = rows_of(root, ALICE.user_id), rows_of(root, BOB.user_id)
        code, said = erase("bob")
        assert (code, bobs) == (0, rows_of(root, BOB.user_id)), said
        line = next(line for line in said.splitlines() if line.startswith("ai_messages"))
        assert int(line.split()[1].replace(",", "")) == bobs["airuns.ai_messages"] > 100
        code, said = erase("bob", "--yes")
        assert code == 0, said
        assert set(rows_of(root, BOB.user_id).values()) == {0}
        assert rows_of(root, ALICE.user_id) == alices
        tables = [table.removeprefix("airuns.") for table in bobs]
        assert all(
            any(line.split() == [table, "0"] for line in said.splitlines()) for table in tables
        )
        gone = root.execute("select from airuns.users where id = %s", [BOB.user_id]).fetchone()
    assert gone is None
    assert not journal.exists()
    assert erase("bob")[0] == 1


def test_the_only_owner_stays(own_database_url: str, tmp_path: Path) -> None:
    for args in ([], ["--yes"]):
        done = airuns(
            tmp_path, "user", "erase", "alice", *args, AIRUNS_DATABASE_URL=own_database_url
        )
        assert done.returncode == 1
        assert "only owner" in done.stderr


def test_the_api_erases_in_the_background(
    alice: httpx.Client, dora: Person, client: httpx.Client, new_person: NewPerson
) -> None:
    run_id = client.post("/api/runs", json={"name": "Mine"}).json()["id"]
    other = new_person()
    problem(client.delete(f"/api/users/{other.user_id}", params={"confirm": other.username}), 403)
    problem(alice.delete(f"/api/users/{dora.user_id}", params={"confirm": "dory"}), 422, "confirm")
    problem(alice.delete("/api/users/me", params={"confirm": "alice"}), 409)
    assert client.get(f"/api/runs/{run_id}").status_code == 200
    asked = client.delete("/api/users/me", params={"confirm": dora.username})
    assert (asked.status_code, asked.json()["is_active"]) == (202, False)

    def is_gone() -> bool:
        users = alice.get("/api/users", params={"limit": 200}).json()["items"]
        return all(each["id"] != str(dora.user_id) for each in users)

    wait_until(is_gone)
    wait_until(lambda: client.get("/api/me").status_code == 401)

"""Writers who come at once, in whatever order they lock: each is done, and none hears of it."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from httpx import Client, Response
from psycopg.conninfo import conninfo_to_dict

from airuns.server.db import embedded
from tests.runs.calling import user
from tests.runs.test_tasks import create_run, create_task
from tests.serving import wait_until


@pytest.fixture
def other(cluster: embedded.Cluster, database_url: str) -> Generator[psycopg.Connection]:
    """Another writer's transaction, which is never the one that PostgreSQL gives up."""
    name = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(cluster.url(embedded.SUPERUSER, name)) as connection:
        connection.execute("set local deadlock_timeout = '1min'")
        yield connection


def purge(client: Client, run_id: str, _: str) -> Response:
    return client.delete(f"/api/runs/{run_id}", params={"purge": True})


def add_message(client: Client, run_id: str, _: str) -> Response:
    return client.post(f"/api/runs/{run_id}/messages", json=user("more"))


def record_task(client: Client, run_id: str, _: str) -> Response:
    return client.post("/api/tasks", json={"run_id": run_id})


def complete_task(client: Client, _: str, task_id: str) -> Response:
    return client.post(f"/api/tasks/{task_id}/complete", json={"response_text": "done"})


@pytest.mark.parametrize("ask", [purge, add_message, record_task, complete_task])
def test_a_deadlock_is_tried_again(
    alice: Client, other: psycopg.Connection, ask: Callable[[Client, str, str], Response]
) -> None:
    run_id = create_run(alice)
    message_id = alice.post(f"/api/runs/{run_id}/messages", json=user("x")).json()["id"]
    task_id = "" if ask is purge else str(create_task(alice, run_id=run_id)["task_id"])
    if ask is purge:
        alice.delete(f"/api/runs/{run_id}")

    def is_waiting() -> bool:
        return other.execute("select from pg_locks where not granted").fetchone() is not None

    with ThreadPoolExecutor(1) as pool:
        other.execute("select from airuns.ai_messages where id = %s for update", [message_id])
        asked = pool.submit(ask, alice, run_id, task_id)
        wait_until(is_waiting)
        other.execute("select from airuns.ai_runs where id = %s for update", [run_id])
        other.commit()
        assert asked.result().is_success, asked.result().text


def test_a_run_of_ones_own_id_is_begun_by_many_at_once(alice: Client) -> None:
    def begin(run_id: str) -> int:
        return alice.post("/api/runs", json={"id": run_id, "name": "Once"}).status_code

    ids = [str(uuid4()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = [code for each in ids for code in pool.map(begin, [each] * 8)]
    assert set(codes) == {201}

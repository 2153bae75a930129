"""`airuns costs reprice`, by the real price table, which knows what a model cost at what time."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from tests.people import ALICE
from tests.serving import airuns
from tests.sql.rows import become, put

USAGE = {"status": "completed", "tokens_input": 1_000_000, "tokens_output": 100_000}
TIMES = {"created_at": "2026-03-02 12:00Z", "completed_at": "2026-03-02 12:01Z"}
TASK = {**USAGE, **TIMES, "provider": "openai", "model": "gpt-4o"}


class Store:
    """A database of the test's own, and the command on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        with self.as_alice() as connection:
            self.run_id = put(connection, "ai_runs", ALICE.user_id)

    def as_alice(self) -> Connection[dict[str, Any]]:
        connection = psycopg.connect(self.url, row_factory=dict_row)
        become(connection, "airuns_app", ALICE)
        return connection

    def task(self, **values: Any) -> UUID:
        with self.as_alice() as connection:
            more = {"run_id": self.run_id, **TASK, **values}
            return put(connection, "ai_tasks", ALICE.user_id, **more)

    def cost(self, task_id: UUID) -> Decimal | None:
        with self.as_alice() as connection:
            query = "select cost from airuns.ai_tasks where task_id = %s"
            row = connection.execute(query, [task_id]).fetchone()
        assert row is not None
        return row["cost"]

    def reprice(self, *more: str) -> str:
        args = ("costs", "reprice", "--since", "2026-03-01", *more)
        done = airuns(self.folder, *args, AIRUNS_DATABASE_URL=self.url)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def verify(self) -> str:
        return airuns(self.folder, "db", "verify", AIRUNS_DATABASE_URL=self.url).stdout


@pytest.fixture
def store(own_database_url: str, folder: Path) -> Store:
    return Store(own_database_url, folder)


def test_a_dry_run_shows_and_yes_writes(store: Store) -> None:
    wrong = store.task(cost=Decimal(1), price='{"source": "genai-prices"}')
    unknown = store.task(cost=None)
    right = store.task(cost=Decimal("3.5"))
    kept = [
        store.task(cost=Decimal(7), tokens_output=None),
        store.task(cost=Decimal(7), price='{"source": "caller"}'),
        store.task(cost=Decimal(7), model="no-such-model"),
        store.task(cost=Decimal(7), created_at="2026-02-27Z"),
        store.task(cost=None, status="streaming"),
    ]
    before = [store.cost(task_id) for task_id in kept]
    shown = store.reprice()
    assert (
        "alice  openai/gpt-4o  3 tasks, 2 change, 1 of them unknown before  1 -> 7.0 USD  (+6.0)"
        in shown.replace("7.00", "7.0").replace("6.00", "6.0").replace("000", "")
    )
    assert "2 tasks, +6" in shown
    assert "add --yes" in shown
    assert store.cost(wrong) == 1
    store.reprice("--yes", "--user", "bob")
    store.reprice("--yes", "--until", "2026-03-02")
    store.reprice("--yes", "--model", "openai/other")
    assert store.cost(wrong) == 1
    assert "changed" in store.reprice("--yes", "--model", "openai/gpt-4o")
    assert [store.cost(task_id) for task_id in (wrong, unknown, right)] == [Decimal("3.5")] * 3
    assert [store.cost(task_id) for task_id in kept] == before
    assert store.verify() == "3 users verified, no differences.\n"
    with store.as_alice() as connection:
        query = (
            "select r.total_cost, t.price ->> 'source' as source from airuns.ai_runs as r"
            " join airuns.ai_tasks as t on t.run_id = r.id where t.task_id = %s"
        )
        row = connection.execute(query, [wrong]).fetchone()
    assert row == {"total_cost": Decimal("3.5") * 3 + 28, "source": "genai-prices"}


def test_ones_own_price_wins_and_the_time_of_the_task_counts(store: Store) -> None:
    with store.as_alice() as connection:
        more = {"provider": "openai", "name": "gpt-4o", "price_input": 1, "price_output": 10}
        put(connection, "ai_models", ALICE.user_id, **more)
    own = store.task()
    o3 = {"provider": "openai", "model": "o3"}
    times = [
        store.task(**o3, created_at=f"{day} 12:00Z", completed_at=f"{day} 12:00Z")
        for day in ("2026-03-01", "2025-05-01")
    ]
    store.reprice("--yes", "--since", "2025-01-01")
    assert store.cost(own) == 2
    now, then = (store.cost(task_id) for task_id in times)
    assert now is not None
    assert then is not None
    assert now != then

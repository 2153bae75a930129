"""Somebody new for each test, because rules are for all of a user's runs."""

from collections.abc import Callable, Generator
from uuid import uuid4

import httpx
import pytest

from airuns.server.accounts import store
from airuns.server.db.door import As, Database
from tests.conftest import Run
from tests.people import Person
from tests.serving import Served

NewPerson = Callable[[], Person]


@pytest.fixture
def new_person(db: Database, run: Run) -> NewPerson:
    """Let somebody in who has nothing yet."""

    async def add() -> Person:
        user = await store.add_user(db, f"new-{uuid4().hex[:12]}", "New", None)
        _, key = await store.add_key(db, As(user.id), "tests")
        return Person(user.username, user.id, key)

    return lambda: run(add())


@pytest.fixture
def dora(new_person: NewPerson) -> Person:
    """Somebody who has nothing yet."""
    return new_person()


@pytest.fixture
def client(server: Served, dora: Person) -> Generator[httpx.Client]:
    """Dora's client of the shared server."""
    with server.client(dora) as client:
        yield client

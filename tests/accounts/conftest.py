from collections.abc import Callable, Generator
from itertools import count

import httpx
import pytest

from tests.accounts.browsing import PASSWORD
from tests.serving import Served

NUMBERS = count(1)


@pytest.fixture
def browser(server: Served) -> Generator[httpx.Client]:
    """A browser that nobody has signed in with."""
    with server.client() as client:
        yield client


@pytest.fixture
def new_user(alice: httpx.Client) -> Callable[[], str]:
    """Make a user who has PASSWORD; return the user name."""

    def make() -> str:
        name = f"user{next(NUMBERS)}"
        made = alice.post("/api/users", json={"username": name, "password": PASSWORD})
        assert made.status_code == 201, made.text
        return name

    return make

"""The prompts' routes on the shared database, asked by Alice and by Charlie."""

from collections.abc import Callable, Generator
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar, Request
from litestar.di import Provide

from airuns.server import problems
from airuns.server.db.door import As, Database
from airuns.server.money import Usd, plain
from airuns.server.news import News
from airuns.server.prompts.routes import routes
from airuns.server.settings import Settings, load
from tests.conftest import Run
from tests.people import ALICE, CHARLIE, Person


async def stop_nothing(who: As, task_ids: list[UUID]) -> None:
    """There is no engine here."""


@pytest.fixture(scope="session")
def app(db: Database) -> Litestar:
    """The routes, trusting the header that names the user."""

    def who(request: Request[Any, Any, Any]) -> As:
        return As(UUID(request.headers["x-user"]))

    def settings() -> Settings:
        return load({"AIRUNS_MAX_MESSAGE": "1000", "AIRUNS_MAX_PAGE": "100"})

    return Litestar(
        route_handlers=routes,
        exception_handlers=problems.HANDLERS,
        type_encoders={Usd: plain},
        dependencies={
            "db": Provide(lambda: db, sync_to_thread=False),
            "who": Provide(who, sync_to_thread=False),
            "settings": Provide(settings, sync_to_thread=False),
            "stop": Provide(lambda: stop_nothing, sync_to_thread=False),
            "news": Provide(lambda: News(lambda *_: None), sync_to_thread=False),
        },
    )


@pytest.fixture(scope="session")
def client_of(app: Litestar, run: Run) -> Generator[Callable[[Person], httpx.AsyncClient]]:
    """Make a client that a person sends requests by."""
    clients: list[httpx.AsyncClient] = []

    def make(person: Person) -> httpx.AsyncClient:
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://test/api/prompts",
                headers={"x-user": str(person.user_id)},
            )
        )
        return clients[-1]

    yield make
    for client in clients:
        run(client.aclose())


@pytest.fixture(scope="session")
def api(client_of: Callable[[Person], httpx.AsyncClient]) -> httpx.AsyncClient:
    """Alice's client of /api/prompts."""
    return client_of(ALICE)


@pytest.fixture(scope="session")
def stranger(client_of: Callable[[Person], httpx.AsyncClient]) -> httpx.AsyncClient:
    """Charlie's client of /api/prompts."""
    return client_of(CHARLIE)

"""The server stops when it is told to, whoever is or was connected."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from airuns.server.db.door import Database
from tests.browser.conftest import Visits
from tests.browser.modules import call
from tests.serving import Served


@pytest.mark.parametrize("gone", [True, False], ids=["browsers-just-gone", "browsers-connected"])
async def test_it_stops(
    visit: Visits, serve: Callable[..., Served], own_database_url: str, gone: bool
) -> None:
    database = Database(own_database_url, 2)
    await database.open()
    served = serve(AIRUNS_DATABASE_URL=own_database_url)
    pages = [await visit("/settings", served=served, door=database) for _ in range(3)]
    for page in pages:
        await call(page, "live.js", "ask", "run:leave", {"run_id": str(uuid4())})
    await database.close()
    if gone:
        for page in pages:
            await page.context.close()
    assert served.stop() == 0
    assert "Traceback" not in served.output()
    assert "destroyed" not in served.output()
    visit.errors.clear()  # what those who stay have lost

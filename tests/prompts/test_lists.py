"""Lists of prompts page by key, in their order, and say so when a cursor is not theirs."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.people import ALICE
from tests.prompts.test_prompts import created
from tests.sql.rows import become, put

NAMES = ["Ärger", "beta", "Alpha", "alpha", "Gamma 100%", "_x"]


async def names(api: httpx.AsyncClient, **params: Any) -> list[str]:
    """Walk all pages of a list; return the names in it."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        asked = params | ({"cursor": cursor} if cursor else {})
        page = (await api.get("", params=asked)).json()
        found += [item["name"] for item in page["items"]]
        assert len(page["items"]) <= params.get("limit", 50)
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.fixture(scope="module")
def many(run: Any, api: httpx.AsyncClient) -> str:
    """Prompts with a tag in their names that no other test uses."""

    async def make() -> None:
        for name in NAMES:
            await created(api, name=f"{name} quokka")

    run(make())
    return "QUOKKA"


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 50])
async def test_pages_have_every_prompt_once(api: httpx.AsyncClient, many: str, limit: int) -> None:
    recent = await names(api, q=many, limit=limit)
    assert recent == [f"{name} quokka" for name in reversed(NAMES)]
    by_name = await names(api, q=many, limit=limit, sort="name")
    assert sorted(by_name) == sorted(recent)
    assert by_name.index("Alpha quokka") + 1 == by_name.index("alpha quokka")
    assert by_name.index("alpha quokka") < by_name.index("beta quokka")


async def test_a_search_takes_percent_and_underscore_as_they_are(
    api: httpx.AsyncClient, many: str
) -> None:
    assert await names(api, q="0% Quo") == ["Gamma 100% quokka"]
    assert await names(api, q="_X quo") == ["_x quokka"]


async def test_a_list_has_no_messages(api: httpx.AsyncClient, many: str) -> None:
    [item, *_] = (await api.get("", params={"q": many})).json()["items"]
    assert item.keys() == {
        "id", "name", "description", "tags", "version", "created_at", "updated_at", "deleted_at",
    }  # fmt: skip


async def test_a_stranger_sees_none(stranger: httpx.AsyncClient, many: str) -> None:
    assert await names(stranger, q=many) == []


async def test_a_cursor_of_another_list_is_refused(api: httpx.AsyncClient, many: str) -> None:
    page = (await api.get("", params={"limit": 1})).json()
    for cursor in (page["next_cursor"], "x", "W10", "é"):
        response = await api.get("", params={"cursor": cursor, "sort": "name"})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"sort": "size"}, "sort"),
        ({"q": "\0"}, "q"),
        ({"deleted": "maybe"}, "deleted"),
    ],
)
async def test_a_parameter_at_fault_is_named(
    api: httpx.AsyncClient, params: dict[str, Any], field: str
) -> None:
    response = await api.get("", params=params)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_a_prompt_that_is_purged_while_the_page_is_read_is_left_out(
    alice: httpx.Client, database_url: str
) -> None:
    """The page reads the list first, and what it says of each prompt then: that may be gone."""
    with psycopg.connect(database_url) as connection:
        become(connection, "airuns_app", ALICE)
        going = put(connection, "prompts", ALICE.user_id)
    shown = alice.get("/ai/prompts")
    with psycopg.connect(database_url) as connection:
        become(connection, "airuns_app", ALICE)
        connection.execute("delete from airuns.prompts where id = %s", [going])
    assert shown.status_code == 200
    assert str(going) not in shown.text

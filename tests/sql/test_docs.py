"""The examples of docs/sql.md run, and the views are described as they are."""

import re
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest
from psycopg import Connection

from tests.people import ALICE
from tests.sql.rows import become

PAGE = Path("docs/sql.md").read_text()
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
SOMEBODY = "018f6b1e-0000-7000-8000-000000000000"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(raw: Connection[Any], example: str) -> None:
    become(raw, "airuns_app", ALICE)
    text = (
        example.replace(SOMEBODY, str(ALICE.user_id)).replace("begin;", "").replace("commit;", "")
    )
    cursor = raw.execute(cast("LiteralString", text))
    while cursor.nextset():
        pass
    assert cursor.description is not None


def test_every_view_is_described_with_its_columns(raw: Connection[Any]) -> None:
    views = raw.execute(
        "select c.relname, array_agg(a.attname::text order by a.attnum) from pg_class as c"
        " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
        " where c.relnamespace = 'airuns'::regnamespace and c.relkind = 'v' group by c.relname"
    )
    described = dict(re.findall(r"### `(\w+)`\n[^:]*:([^.]*)\.", PAGE))
    columns = {name: re.findall(r"\w+", text) for name, text in described.items()}
    assert columns == dict(views.fetchall())

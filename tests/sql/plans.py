"""Plans of queries, as a user's transaction gets them on 100,000 runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString, cast

import msgspec
from psycopg import Connection

from tests.people import ALICE, Person
from tests.sql.rows import become

FILL = Path(__file__).with_name("fill.sql")


def fill(connection: Connection[Any], person: Person = ALICE) -> None:
    """Give a person 100,000 runs with a message and a task each, and as many prompts.

    The connection is a superuser's.
    """
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")  # no triggers
        connection.execute("select set_config('fill.user_id', %s, true)", [str(person.user_id)])
        connection.execute(FILL.read_bytes())
    connection.execute("vacuum analyze")


class Plan(msgspec.Struct, frozen=True):
    """The nodes of a plan, outermost first, as EXPLAIN's JSON has them."""

    nodes: list[dict[str, Any]]

    @property
    def kinds(self) -> set[str]:
        return {node["Node Type"] for node in self.nodes}

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    def __str__(self) -> str:
        shown = (
            "Node Type",
            "Index Name",
            "Actual Rows",
            "Rows Removed by Filter",
            "Index Cond",
            "Filter",
        )
        return "\n".join(
            str({name: node[name] for name in shown if name in node}) for node in self.nodes
        )

    @property
    def rows_read(self) -> int:
        """The most rows that a node handed on or threw away; of an executed plan."""
        return max(
            int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            * int(node["Actual Loops"])
            for node in self.nodes
        )


def executed(connection: Connection[Any], query: str, params: dict[str, Any]) -> Plan:
    """Return the plan that a query gets for these values, executed."""
    explain = f"explain (analyze, verbose, timing off, format json) {query}"
    return _plan(connection.execute(cast("LiteralString", explain), params).fetchone())


def generic(connection: Connection[Any], query: str) -> Plan:
    """Return the plan that a query gets for any values; PostgreSQL may take it after five uses."""
    numbers: dict[str, str] = {}
    numbered = re.sub(
        r"%\((\w+)\)s", lambda found: numbers.setdefault(found[1], f"${len(numbers) + 1}"), query
    )
    explain = f"explain (generic_plan, verbose, format json) {numbered}"
    return _plan(connection.execute(cast("LiteralString", explain)).fetchone())


def _plan(row: Any) -> Plan:
    [explained] = next(iter(row.values())) if isinstance(row, dict) else row[0]
    return Plan(list(_nodes(explained["Plan"])))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def check_served_by(
    connection: Connection[Any], index: str, query: str, params: dict[str, Any]
) -> None:
    """Assert that an index gives a page's rows in order, whether or not the values are known.

    `params` are those of the query but user_id, which is Alice's; the transaction becomes hers.
    """
    become(connection, "airuns_app", ALICE)
    run = executed(connection, query, {"user_id": ALICE.user_id, **params})
    assert run.rows_read <= 5 * params["limit"], str(run)
    for plan in (run, generic(connection, query)):
        assert index in plan.indexes, str(plan)
        assert not plan.kinds & {"Seq Scan", "Sort", "Incremental Sort"}, str(plan)

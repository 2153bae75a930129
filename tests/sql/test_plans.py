"""Every list reads its page from an index, with 100,000 runs in the store.

What pages of runs read beside their lists costs what they show.
"""

from collections.abc import Generator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from airuns.server.pages import encode_cursor
from airuns.server.prompts.history import HistoryFilter, history_query
from airuns.server.prompts.store import SQL
from airuns.server.recorder import looking
from airuns.server.retention.rules import Rule
from airuns.server.retention.store import NOWHERE, Place, next_query
from airuns.server.runs import changes, lists, store, tasks, tree
from airuns.server.runs.changes import RULES
from airuns.server.runs.lists import (
    DELETED_SORT,
    RUN_SORTS,
    RunFilter,
    RunSort,
    TaskFilter,
    all_of,
    run_clauses,
    run_query,
    task_query,
)
from airuns.server.runs.pages import sidebar
from tests.people import ALICE, CHARLIE
from tests.sql.plans import check_served_by, executed, generic
from tests.sql.rows import become

STAR = RULES["star"]
PROMPT = UUID("00000000-0000-0000-0001-000000000005")
LAST = UUID(int=2**128 - 1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLE = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROMPTS = [UUID(int=(1 << 64) + number) for number in range(2, 12)]
SOMEWHERE = UUID("00000000-0000-0000-0002-000000000005")


@pytest.fixture
def raw(full: str) -> Generator[Connection[Any]]:
    """A plain connection as the schema's owner; nothing that a test does with it stays."""
    with psycopg.connect(full) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("after", [datetime.max.replace(tzinfo=UTC), MIDDLE])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("prompts_recent", "prompts_by_change"),
        ("prompts_deleted", "prompts_deleted"),
    ],
)
def test_lists_by_time_of_prompts(
    raw: Connection[Any], query: str, index: str, after: datetime
) -> None:
    params = {"after": after, "after_id": LAST, "limit": 51}
    check_served_by(raw, index, SQL[query], {**params, "q": ""})


@pytest.mark.parametrize("after", ["", "Prompt 5"])
def test_prompts_by_name(raw: Connection[Any], after: str) -> None:
    params = {"after": after, "after_id": LAST, "limit": 51, "q": "prompt"}
    check_served_by(raw, "prompts_by_name", SQL["prompts_by_name"], params)


def test_the_use_of_a_page_of_prompts_reads_what_they_have(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", ALICE)
    plan = executed(raw, SQL["use_of"], {"user_id": ALICE.user_id, "prompt_ids": [PROMPT] * 20})
    assert {"runs_of_source", "tasks_of_prompt"} <= plan.indexes, str(plan)
    assert plan.rows_read <= 20 * 1000, str(plan)


def test_what_runs_of_a_prompt_is_found_among_what_runs(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", ALICE)
    params = {"user_id": ALICE.user_id, "prompt_id": PROMPT}
    assert executed(raw, SQL["prompt_running"], params).indexes == {"tasks_unended"}


@pytest.mark.parametrize("query", ["history", "executions"])
@pytest.mark.parametrize(
    "which",
    [
        HistoryFilter(),
        HistoryFilter(status="success", model="m", tag="tag 4"),
        HistoryFilter(since=BEGIN, before=MIDDLE),
    ],
)
@pytest.mark.parametrize("after", [None, MIDDLE])
def test_a_history_is_read_in_the_order_of_its_index(
    raw: Connection[Any], query: str, which: HistoryFilter, after: datetime | None
) -> None:
    cursor = encode_cursor("history", after, LAST) if after else None
    text, params = history_query(query, which, cursor)
    check_served_by(raw, "tasks_of_prompt", text, {**params, "prompt_id": PROMPT, "limit": 51})


KEYS: dict[RunSort, Any] = {
    "recent": MIDDLE,
    "oldest": MIDDLE,
    "name": "Run 5",
    "messages": 50,
    "cost": "0.5",
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("sort", "which", "index"),
    [
        ("recent", RunFilter(), "runs_recent"),
        ("oldest", RunFilter(), "runs_oldest"),
        ("name", RunFilter(), "runs_by_name"),
        ("messages", RunFilter(), "runs_by_messages"),
        ("cost", RunFilter(), "runs_by_cost"),
        ("recent", RunFilter(source_type="prompt", source_id=str(PROMPT)), "runs_of_source"),
        ("recent", RunFilter(is_starred=True), "runs_starred"),
        ("recent", RunFilter(archived=True), "runs_archived"),
        ("recent", RunFilter(last_status="completed"), "runs_recent"),
        ("recent", RunFilter(q="run 1"), "runs_recent"),
        ("recent", RunFilter(last_status="pending"), "runs_unended"),
        ("deleted", RunFilter(deleted=True), "runs_deleted"),
    ],
)
def test_lists_of_runs(
    raw: Connection[Any], sort: str, which: RunFilter, index: str, later: bool
) -> None:
    order = DELETED_SORT if sort == "deleted" else RUN_SORTS[sort]
    key = KEYS.get(cast("RunSort", sort), MIDDLE)
    cursor = encode_cursor(sort, key, SOMEWHERE) if later else None
    query, params = run_query(which, order, cursor)
    check_served_by(raw, index, query, {**params, "limit": 51})


def test_a_filter_without_an_index_walks_the_list_until_the_page_is_full(
    raw: Connection[Any],
) -> None:
    become(raw, "airuns_app", ALICE)
    which = RunFilter(source_type="prompt", tag="tag 7", since=MIDDLE, archived=False)
    query, params = run_query(which, RUN_SORTS["recent"], None)
    plan = executed(raw, query, {"user_id": ALICE.user_id, **params, "limit": 51})
    assert plan.indexes == {"runs_recent"}, str(plan)
    assert plan.rows_read <= 2000, str(plan)  # one run in thirty has the tag


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("which", "index"),
    [
        (TaskFilter(), "tasks_recent"),
        (TaskFilter(prompt_id=PROMPT), "tasks_of_prompt"),
        (TaskFilter(status="completed"), "tasks_recent"),
    ],
)
def test_lists_of_tasks(raw: Connection[Any], which: TaskFilter, index: str, later: bool) -> None:
    cursor = encode_cursor("tasks", MIDDLE, SOMEWHERE) if later else None
    query, params = task_query(which, cursor)
    check_served_by(raw, index, query, {**params, "limit": 51})


IDS = {
    "run_id": SOMEWHERE,
    "ids": [SOMEWHERE],
    "run_ids": [SOMEWHERE] * 3,
    "message_id": SOMEWHERE,
    "task_id": SOMEWHERE,
    "prompt_id": PROMPT,
    "hashes": [sha256(number.to_bytes(4, "big")).digest() for number in range(3)],
    "limit": 50,
    "deleted": False,
    "version": None,
}


@pytest.mark.parametrize(
    "query",
    [
        SQL["prompt_read"],
        store.SQL["run_get"],
        tree.SQL["run_lock"],
        tree.SQL["line_window"],
        tree.SQL["line_turns"],
        tree.SQL["children"],
        tree.SQL["roots"],
        tree.SQL["newest_leaf"],
        tree.SQL["node_by_chain"],
        *(looking.SQL[name] for name in looking.SQL),
        tree.SQL["message_of_task"],
        tasks.SQL["task_get"],
        tasks.SQL["task_running_at"],
        tasks.SQL["tasks_running_in"],
        lists.SQL["running_of"],
        changes.SQL["runs_unended"].format(filters=all_of(["id = any(%(ids)s)"])),
        changes.SQL["runs_change"].format(
            change=STAR.change, was=STAR.was, filters=all_of(["id = any(%(ids)s)", STAR.applies])
        ),
    ],
    ids=lambda query: query.split("\n")[0][3:60],
)
def test_what_is_read_of_one_run_costs_what_that_run_has(raw: Connection[Any], query: str) -> None:
    become(raw, "airuns_app", ALICE)
    plan = executed(raw, query, {"user_id": ALICE.user_id, **IDS})
    assert plan.rows_read <= 10, str(plan)
    for each in (plan, generic(raw, query)):
        assert "Seq Scan" not in each.kinds, str(each)


def test_policies_are_inlined_and_served_by_the_key(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", ALICE)
    plan = executed(raw, "select name from airuns.ai_runs where id = %(id)s", {"id": SOMEWHERE})
    [scan] = plan.nodes
    assert scan["Index Name"] == "ai_runs_pkey"
    assert "current_setting('airuns.user_id'" in scan["Index Cond"]
    assert "current_user_id" not in str(scan)
    assert "current_run_id" not in str(scan)


def test_a_stranger_reads_none_of_her_rows_to_find_nothing(raw: Connection[Any]) -> None:
    become(raw, "airuns_app", CHARLIE)
    for table in ("ai_runs", "ai_messages", "ai_tasks"):
        plan = executed(raw, f"select * from airuns.{table}", {})  # noqa: S608
        assert "Seq Scan" not in plan.kinds
        assert plan.rows_read == 0


@pytest.mark.parametrize("after", [NOWHERE, (MIDDLE, UUID(int=0))])
@pytest.mark.parametrize(
    ("which", "index"),
    [
        (Rule(action="archive"), "runs_recent"),
        (Rule(action="delete", source_type="prompt"), "runs_recent"),
        (Rule(action="purge", tag="tag 10"), "runs_deleted"),
        (RunFilter(deleted=True), "runs_deleted"),
    ],
)
def test_a_batch_of_old_runs_reads_a_batch(
    raw: Connection[Any], which: Rule | RunFilter, index: str, after: Place
) -> None:
    become(raw, "airuns_app", ALICE)
    query, params = next_query(which, datetime(2100, 1, 1, tzinfo=UTC), after)
    plan = executed(raw, query, {"user_id": ALICE.user_id, **params})
    assert plan.indexes == {index}, str(plan)
    assert plan.rows_read <= 3_100, str(plan)


@pytest.fixture
def hers(full: str) -> Generator[Connection[Any]]:
    """A connection as Alice."""
    with psycopg.connect(full) as connection:
        become(connection, "airuns_app", ALICE)
        yield connection
        connection.rollback()


def test_groups_are_found_one_look_up_a_prompt(hers: Connection[Any]) -> None:
    params = {"limit": 11, "counted": 1000, "after": None, "after_id": None}
    plan = executed(
        hers, sidebar.SQL["run_groups"].format(filters=""), {"user_id": ALICE.user_id, **params}
    )
    assert "runs_of_source" in plan.indexes, str(plan)
    assert "Seq Scan" not in plan.kinds, str(plan)
    assert plan.rows_read <= 11 * 1000, str(plan)


def test_the_newest_runs_of_a_page_of_groups(hers: Connection[Any]) -> None:
    params = {"newest": 3, "prompt_ids": PROMPTS}
    plan = executed(
        hers,
        sidebar.SQL["run_groups_newest"].format(filters=""),
        {"user_id": ALICE.user_id, **params},
    )
    assert "runs_of_source" in plan.indexes, str(plan)
    assert plan.rows_read <= 100, str(plan)


@pytest.mark.parametrize(
    "asked", [sidebar.Asked(prompt_id=PROMPT), sidebar.Asked(prompt_id=PROMPT, scope="all")]
)
def test_the_count_of_the_sidebar_stops(hers: Connection[Any], asked: sidebar.Asked) -> None:
    clauses, params = run_clauses(asked.filter())
    query = sidebar.SQL["sidebar_count"].format(filters=all_of(clauses))
    plan = executed(hers, query, {"user_id": ALICE.user_id, "limit": 1000, **params})
    assert plan.rows_read <= 5000, str(plan)  # of 100,000, also when workers share the scan


def test_named_runs_are_looked_up_by_their_ids(hers: Connection[Any]) -> None:
    clauses, params = run_clauses(sidebar.Asked().filter())
    query = sidebar.SQL["runs_named"].format(filters=all_of(clauses))
    ids = [UUID(int=(2 << 64) + number) for number in range(50)]
    plan = executed(hers, query, {"user_id": ALICE.user_id, "ids": ids, **params})
    assert plan.rows_read <= 50, str(plan)
    assert "Seq Scan" not in plan.kinds, str(plan)

"""One row of Alice's in every table, with ids that attackers know."""

from typing import Any
from uuid import UUID

from psycopg import Connection, errors, sql
from psycopg.abc import Query

from tests.people import ALICE
from tests.sql.rows import become, insert

ID = UUID(int=0xA)
OTHER_RUN = UUID(int=0xB)
SECRET = "the owl flies at midnight"
HASH = bytes(range(32))
MINE = {"user_id": ALICE.user_id, "id": ID}
OF_RUN = {**MINE, "run_id": ID}

ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "users": ("", {"id": ALICE.user_id, "username": "alice2", "display_name": "Alice"}),
    "api_keys": ("airuns_app", {**MINE, "name": SECRET, "prefix": "air_", "key_hash": HASH}),
    "sessions": ("airuns_service", {**MINE, "token_hash": HASH, "expires_at": "2100-01-01"}),
    "sign_in_links": ("airuns_service", {**MINE, "token_hash": HASH, "expires_at": "2100-01-01"}),
    "login_failures": ("airuns_service", {"id": ID, "subject": "alice"}),
    "server_processes": ("airuns_service", {"id": ID}),
    "model_providers": ("airuns_app", {**MINE, "name": "mine", "protocol": "openai"}),
    "ai_models": ("airuns_app", {**MINE, "provider": "mine", "name": SECRET}),
    "model_aliases": ("airuns_app", {**MINE, "name": "mine", "model": SECRET}),
    "prompts": ("airuns_app", {**MINE, "name": SECRET}),
    "prompt_versions": ("airuns_app", {**MINE, "prompt_id": ID, "version": 1, "messages": "[]"}),
    "ai_runs": (
        "airuns_app",
        {**MINE, "source_type": "prompt", "source_id": str(ID), "name": SECRET},
    ),
    "ai_messages": (
        "airuns_app",
        {**OF_RUN, "depth": 0, "role": "user", "content": SECRET, "chain_hash": HASH},
    ),
    "ai_tasks": (
        "airuns_app",
        {
            "user_id": ALICE.user_id,
            "task_id": ID,
            "run_id": ID,
            "request_message_id": ID,
            "model_id": ID,
            "response_text": SECRET,
        },
    ),
    "budgets": ("airuns_app", {**MINE, "name": SECRET, "period": "day", "amount": 1}),
    "usage_hourly": ("airuns_app", {"user_id": ALICE.user_id, "key_id": ID, "at": "2026-01-01"}),
    "usage_parts_hourly": (
        "airuns_app",
        {"user_id": ALICE.user_id, "about": "all", "at": "2026-01-01"},
    ),
    "usage_parts_daily": (
        "airuns_app",
        {"user_id": ALICE.user_id, "about": "all", "at": "2026-01-01"},
    ),
    "usage_parts_monthly": (
        "airuns_app",
        {"user_id": ALICE.user_id, "about": "all", "at": "2026-01-01"},
    ),
    "usage_changes": ("", {"user_id": ALICE.user_id, "run_id": ID, "at": "2026-01-01"}),
    "attachments": (
        "airuns_app",
        {
            **OF_RUN,
            "name": SECRET,
            "media_type": "text/plain",
            "size": 3,
            "sha256": HASH,
            "content": b"owl",
        },
    ),
    "events_waiting": ("airuns_app", {**MINE, "needs": ID, "event": "{}"}),
    "retention": ("airuns_app", {"user_id": ALICE.user_id}),
    "run_changes": (
        "airuns_app",
        {**MINE, "action": "tag", "tag": SECRET, "run_ids": [ID], "run_was": [None]},
    ),
    "search_queue": ("airuns_service", {**OF_RUN, "message_id": ID}),
    "search_buckets": (
        "airuns_service",
        {"user_id": ALICE.user_id, "bucket": 0, "has_names": False, "prefix": "owl00"},
    ),
    "search_documents": (
        "airuns_service",
        {
            "user_id": ALICE.user_id,
            "run_id": ID,
            "message_id": ID,
            "part": 0,
            "bucket": 0,
            "at": "2026-01-01",
            "words": "owl00owl",
        },
    ),
    "search_vocabulary": (
        "airuns_service",
        {"user_id": ALICE.user_id, "bucket": 0, "part": 0, "words": "owlowl"},
    ),
    "exports": ("airuns_app", {**MINE, "format": "json", "which": "{}", "error": SECRET}),
    "export_chunks": (
        "airuns_app",
        {"user_id": ALICE.user_id, "export_id": ID, "position": 0, "content": SECRET.encode()},
    ),
}

KEYS = {
    "users": "id",
    "ai_tasks": "task_id",
    "export_chunks": "export_id",
    "usage_hourly": "key_id",
    "usage_parts_hourly": "user_id",
    "usage_parts_daily": "user_id",
    "usage_parts_monthly": "user_id",
    "search_buckets": "user_id",
    "search_documents": "message_id",
    "search_vocabulary": "user_id",
    "retention": "user_id",
    "usage_changes": "run_id",  # made by the trigger on ai_runs
}
NARROWED = ("ai_runs", "ai_messages", "ai_tasks", "attachments", "usage_changes")
"""Where a transaction narrowed to a run sees that run's rows; elsewhere it sees none."""


def put_rows(connection: Connection[Any]) -> None:
    """Put the rows in (the users are there), and a second run with one message."""
    for table, (role, values) in ROWS.items():
        if role:
            become(connection, role, ALICE)
            connection.execute(insert(table, values), values)
    become(connection, "airuns_app", ALICE)
    other = {**ROWS["ai_runs"][1], "id": OTHER_RUN}
    connection.execute(insert("ai_runs", other), other)
    message = {**ROWS["ai_messages"][1], "id": OTHER_RUN, "run_id": OTHER_RUN}
    connection.execute(insert("ai_messages", message), message)


def key(table: str) -> tuple[str, UUID]:
    """Return the column and the value that find Alice's row."""
    is_user = KEYS.get(table) == "user_id" or table == "users"
    return KEYS.get(table, "id"), ALICE.user_id if is_user else ID


def affected(connection: Connection[Any], query: Query, params: Any = ()) -> int:
    """Return how many rows a statement found; none when it is not even allowed."""
    try:
        with connection.transaction():
            return connection.execute(query, params).rowcount
    except errors.InsufficientPrivilege:
        return 0


def selecting(table: str) -> sql.Composed:
    """Return the query that finds Alice's row by its key."""
    return sql.SQL("select * from airuns.{} where {} = %s").format(
        sql.Identifier(table), sql.Identifier(key(table)[0])
    )


def updating(table: str) -> sql.Composed:
    """Return the statement that writes to Alice's row what it says."""
    columns = {
        "users": "display_name",
        "export_chunks": "position",
        "ai_tasks": "response_text",
        "ai_messages": "task_id",
        "run_changes": "undone_at",
        "search_buckets": "documents",
        "search_documents": "part",
        "search_vocabulary": "part",
        "usage_hourly": "tasks",
        "retention": "leased_until",
        "usage_parts_hourly": "tasks",
        "usage_parts_daily": "tasks",
        "usage_parts_monthly": "tasks",
        "usage_changes": "tasks",
    }
    column = sql.Identifier(columns.get(table, "id"))
    return sql.SQL("update airuns.{} set {column} = {column} where {} = %s").format(
        sql.Identifier(table), sql.Identifier(key(table)[0]), column=column
    )


def deleting(table: str) -> sql.Composed:
    """Return the statement that deletes Alice's row."""
    return sql.SQL("delete from airuns.{} where {} = %s").format(
        sql.Identifier(table), sql.Identifier(key(table)[0])
    )

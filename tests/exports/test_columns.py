"""Every column of what an archive has is in it, or left out for a reason that is written here."""

import msgspec
import psycopg
import pytest

from airuns.server.exports import everything, records
from airuns.server.exports.reading import SQL as READING

SQL = {**READING, **everything.SQL}

COMPUTED = {"user_id"}  # of whoever imports
LEFT_OUT = {
    "ai_runs": {
        *("prompt_id", "name_key", "cost_key"),  # generated
        *("ended_task_count", "counted_task_count", "priced_task_count", "last_task_status"),
        "added",  # how the row was counted
    },
    "ai_messages": {"added"},  # how the row was counted
    "ai_tasks": {"added"},  # how the row was counted
    "attachments": {"content"},  # read in slices
    "prompts": {"name_key"},
    "prompt_versions": set[str](),
    "ai_models": set[str](),
    "model_providers": {"key_encrypted"},  # a secret: that there is one is said
    "model_aliases": set[str](),
    "budgets": set[str](),
    "retention": {  # what becomes of the rules on this server
        *("last_pass", "emptying", "erase_asked_at", "due_at", "leased_until"),
        *("created_at", "updated_at"),
    },
}
QUERIES = {
    "ai_runs": ("run_records", records.RunRecord),
    "ai_messages": ("message_records", records.MessageRecord),
    "ai_tasks": ("task_records", records.TaskRecord),
    "attachments": ("attachment_records", records.AttachmentRecord),
    "prompts": ("prompt_records", records.PromptRecord),
    "prompt_versions": ("version_records", records.VersionRecord),
    "ai_models": ("models", records.ModelRecord),
    "model_providers": ("providers", records.ProviderRecord),
    "model_aliases": ("aliases", records.AliasRecord),
    "budgets": ("budgets", records.BudgetRecord),
    "retention": ("rules", records.RulesRecord),
}
ADDED = {"model_providers": {"has_key"}}
KEPT_BY_TRIGGERS = {
    "ai_runs": {"message_count", "task_count", "total_tokens", "total_cost"},
    "ai_tasks": {"source_type", "prompt_id", "prompt_version"},
}
NOT_EXPORTED = {
    "api_keys": "secrets, which work on this server alone",
    "sessions": "secrets, which work on this server alone",
    "sign_in_links": "secrets, which work on this server alone",
    "exports": "what was made of the rest, kept for some days",
    "export_chunks": "what was made of the rest, kept for some days",
    "run_changes": "what can still be undone, for a month",
    "events_waiting": "they are of a run once what they wait for has come",
    "search_queue": "computed from runs",
    "search_buckets": "computed from runs",
    "search_documents": "computed from runs",
    "search_vocabulary": "computed from runs",
    "usage_changes": "computed from tasks",
    "usage_hourly": "computed from tasks",
    "usage_parts_hourly": "computed from tasks",
    "usage_parts_daily": "computed from tasks",
    "usage_parts_monthly": "computed from tasks",
}


def test_no_table_is_forgotten(own_database_url: str) -> None:
    with psycopg.connect(own_database_url) as connection:
        found = connection.execute(
            "select c.relname from pg_attribute as a join pg_class as c on c.oid = a.attrelid"
            " where a.attname = 'user_id' and c.relkind in ('r', 'p') and not c.relispartition"
            " and c.relnamespace = 'airuns'::regnamespace"
        )
        tables = {row[0] for row in found}
    forgotten = tables - QUERIES.keys() - NOT_EXPORTED.keys()
    assert not forgotten, "An archive of everything has it, or NOT_EXPORTED says why not."


@pytest.mark.parametrize("table", QUERIES)
def test_no_column_is_forgotten(own_database_url: str, table: str) -> None:
    name, record = QUERIES[table]
    with psycopg.connect(own_database_url) as connection:
        columns = {
            row[0]
            for row in connection.execute(
                "select attname from pg_attribute where attnum > 0 and not attisdropped"
                " and attrelid = to_regclass(%s)",
                [f"airuns.{table}"],
            )
        }
        parameters = {"user_id": None, "ids": [], "prompt_id": None, "after": 0, "limit": 1}
        cursor = connection.execute(SQL[name].encode(), parameters)
        exported = {column.name for column in cursor.description or []}
    exported -= ADDED.get(table, set())
    assert exported == columns - COMPUTED - LEFT_OUT[table]
    imported = {field.name for field in msgspec.structs.fields(record)} - {"content"} | (
        {"content"} & columns - LEFT_OUT[table]
    )
    assert imported - ADDED.get(table, set()) == exported - KEPT_BY_TRIGGERS.get(table, set())

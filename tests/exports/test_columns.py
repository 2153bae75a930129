"""Every column of what an archive has is in it, or left out for a reason that is written here."""

import msgspec
import psycopg
import pytest

from airuns.server.exports import records
from airuns.server.exports.reading import SQL

COMPUTED = {"user_id"}  # of whoever imports
LEFT_OUT = {
    "ai_runs": {
        *("prompt_id", "name_key", "cost_key"),  # generated
        *("ended_task_count", "counted_task_count", "priced_task_count", "last_task_status"),
    },
    "ai_messages": {"added"},  # how the row was counted
    "ai_tasks": set[str](),
    "attachments": {"content"},  # read in slices
    "prompts": {"name_key"},
    "prompt_versions": set[str](),
    "ai_models": {  # a user's own prices are no part of a conversation
        *("context_size", "price_input", "price_output", "price_cache_read"),
        *("price_cache_write_5m", "price_cache_write_1h", "created_at", "updated_at"),
    },
}
QUERIES = {
    "ai_runs": ("run_records", records.RunRecord),
    "ai_messages": ("message_records", records.MessageRecord),
    "ai_tasks": ("task_records", records.TaskRecord),
    "attachments": ("attachment_records", records.AttachmentRecord),
    "prompts": ("prompt_records", records.PromptRecord),
    "prompt_versions": ("version_records", records.VersionRecord),
    "ai_models": ("model_records", records.ModelRecord),
}
KEPT_BY_TRIGGERS = {
    "ai_runs": {"message_count", "task_count", "total_tokens", "total_cost"},
    "ai_tasks": {"source_type", "prompt_id", "prompt_version"},
}


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
        parameters = {"user_id": None, "ids": [], "prompt_id": None, "after": 0}
        cursor = connection.execute(SQL[name].encode(), parameters)
        exported = {column.name for column in cursor.description or []}
    assert exported == columns - COMPUTED - LEFT_OUT[table]
    imported = {field.name for field in msgspec.structs.fields(record)} - {"content"} | (
        {"content"} & columns - LEFT_OUT[table]
    )
    assert imported == exported - KEPT_BY_TRIGGERS.get(table, set())

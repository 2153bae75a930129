"""Logs of `llm`, as its versions up to 0.31 and those since write them."""

import sqlite3
from pathlib import Path

from tests.attachments.files import PNG

OLD = """
create table conversations (id text primary key, name text, model text);
create table responses (id text primary key, model text, prompt text, system text, prompt_json text,
    options_json text, response text, response_json text, conversation_id text, duration_ms integer,
    datetime_utc text);
"""
MIDDLE = """
alter table responses add column input_tokens integer;
alter table responses add column output_tokens integer;
alter table responses add column token_details text;
create table attachments (id text primary key, type text, path text, url text, content blob);
create table prompt_attachments (response_id text, attachment_id text, "order" integer);
create table fragments (id integer primary key, hash text, content text);
create table prompt_fragments (response_id text, fragment_id integer, "order" integer);
create table system_fragments (response_id text, fragment_id integer, "order" integer);
create table tool_calls (id integer primary key, response_id text, tool_id integer, name text,
    arguments text, tool_call_id text);
create table tool_results (id integer primary key, response_id text, tool_id integer, name text,
    output text, tool_call_id text, instance_id integer, exception text);
"""
NEW = """
create table messages (hash text primary key, parent_hash text, role text, provider_metadata text);
create table parts (id integer primary key, message_hash text, position integer, type text,
    tool_name text, text text, payload text);
create table part_attachments (part_id integer, attachment_id text, "order" integer);
create table threads (id text primary key, name text, tip_message_hash text, forked_from text,
    datetime_utc text);
create table turns (id text primary key, thread_id text, parent_message_hash text,
    tip_message_hash text, model text, resolved_model text, options_json text, schema_id text,
    input_tokens integer, output_tokens integer, token_details text, duration_ms integer,
    datetime_utc text);
"""


def first(path: Path, own: str) -> None:
    """Write a log of 2023: one conversation of two responses, and a response without one."""
    with sqlite3.connect(path) as db:
        db.executescript(OLD)
        db.execute("insert into conversations values (?, 'Owls', 'gpt-4')", (own,))
        row = "insert into responses values (?, 'gpt-4', ?, ?, null, ?, ?, null, ?, 1500, ?)"
        options = '{"temperature": 0.5}'
        at = "2023-08-22T10:00:0{}.123456"
        db.execute(row, (f"{own}1", "Where?", "Be short.", options, "Here.", own, at.format(1)))
        db.execute(row, (f"{own}2", "Why?", "Be short.", None, "So.", own, at.format(2)))
        db.execute(row, (f"{own}3", "Alone?", None, None, "Yes.", None, at.format(3)))


def middle(path: Path, own: str) -> None:
    """Write a log of 2025: tokens, fragments, a picture, and a tool."""
    first(path, own)
    with sqlite3.connect(path) as db:
        db.executescript(MIDDLE)
        db.execute("update responses set input_tokens = 10, output_tokens = 0")
        db.execute("insert into fragments values (1, 'h', 'A long novel.')")
        db.execute("insert into prompt_fragments values (?, 1, 0)", (f"{own}1",))
        db.execute(
            "insert into attachments values ('p', 'image/png', '/tmp/owl.png', null, ?)", (PNG,)
        )
        db.execute(
            "insert into attachments values ('u', null, null, 'https://example.com/o.png', null)"
        )
        db.execute("insert into prompt_attachments values (?, 'p', 0)", (f"{own}1",))
        db.execute("insert into prompt_attachments values (?, 'u', 1)", (f"{own}1",))
        db.execute("insert into tool_calls values (1, ?, 1, 'add', '{}', 'c1')", (f"{own}1",))
        db.execute(
            "insert into tool_results values (1, ?, 1, 'add', '4', 'c1', null, null)", (f"{own}2",)
        )


def newest(path: Path, own: str) -> None:
    """Write a log of 2026: a thread of two turns that answer the same question."""
    middle(path, own)
    with sqlite3.connect(path) as db:
        db.executescript(NEW)
        db.execute(
            "insert into threads values (?, 'Herons', ?, null, '2026-01-01T10:00:00')",
            (f"{own}t", f"{own}b"),
        )
        for key, parent, role in (
            ("q", None, "user"),
            ("a", "q", "assistant"),
            ("b", "q", "assistant"),
        ):
            above = parent and own + parent
            db.execute("insert into messages values (?, ?, ?, null)", (own + key, above, role))
        part = (
            "insert into parts (message_hash, position, type, text, payload) values (?, ?, ?, ?, ?)"
        )
        db.execute(
            part,
            (f"{own}q", 0, "text", None, '{"text_ref": [{"fragment": 1}, {"literal": " Who?"}]}'),
        )
        db.execute(part, (f"{own}a", 0, "reasoning", "Hm.", None))
        db.execute(part, (f"{own}a", 1, "text", "One.", None))
        db.execute(part, (f"{own}b", 0, "text", "Two.", None))
        turn = (
            "insert into turns values (?, ?, ?, ?, 'claude', 'claude-x', '{}', null, 3, 4, null,"
            " 250, ?)"
        )
        for key, at in (("a", "2026-01-01T10:00:01"), ("b", "2026-01-01T10:00:02")):
            db.execute(turn, (f"{own}{key}!", f"{own}t", f"{own}q", own + key, at))

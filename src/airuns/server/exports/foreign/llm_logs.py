"""The logs of `llm` before 0.32: a row for each response, in the order of a conversation.

Newer ones also keep trees (llm_threads.py). The form has grown over the years: a table or a column
that is not there has nothing to say.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

import msgspec

from airuns.server.exports.foreign.talks import (
    Asked,
    Fields,
    Named,
    Part,
    Said,
    Talk,
    Unreadable,
    call,
    count,
    fields,
    moment,
    provider_of,
    text,
)

TABLES = (
    *("conversations", "responses", "attachments", "prompt_attachments", "fragments"),
    *("prompt_fragments", "system_fragments", "tool_calls", "tool_results", "threads", "turns"),
    *("messages", "parts", "part_attachments"),
)


class Logs:
    """A log file that is only read. `tables` are those of it that llm makes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma trusted_schema = off")
        self._connection = connection
        names = connection.execute("select name from sqlite_master where type = 'table'")
        self.tables = {row[0] for row in names} & set(TABLES)

    @property
    def is_known(self) -> bool:
        """Whether llm has made it."""
        return "responses" in self.tables or {"turns", "messages"} <= self.tables

    def rows(self, table: str, query: str, *values: object) -> Iterator[Fields]:
        """Yield the rows of a query, whose table need not be there."""
        if table in self.tables:
            for row in self._connection.execute(query, values):
                yield dict(row)

    def row(self, table: str, query: str, *values: object) -> Fields:
        """Return the first row of a query, or an empty one."""
        nothing: Fields = {}
        return next(self.rows(table, query, *values), nothing)

    def attached(self, by: str, where: str, value: object) -> list[Part]:
        """Return the files that rows of `by` name, in their order."""
        query = (
            f"select a.id, a.type, a.path, a.url, length(a.content) as size from {by} as o "  # noqa: S608
            "join attachments as a on a.id = o.attachment_id "
            f'where o.{where} = ? order by o."order"'
        )
        if by not in self.tables:
            return []
        return [self._file_of(row) for row in self.rows("attachments", query, value)]

    def _file_of(self, row: Fields) -> Part:
        """Return an attachment: what is at an address stays there."""
        url = text(row["url"])
        if url and row["size"] is None:
            return {"type": "image_url", "image_url": {"url": url}}
        path = text(row["path"]).replace("\\", "/")
        return Named(
            name=path.rpartition("/")[2] or text(row["id"])[:20] or "file",
            media_type=text(row["type"]),
            size=count(row["size"]),
            read=lambda: self._content(row["id"]),
        )

    def _content(self, attachment_id: object) -> bytes | None:
        query = "select content from attachments where id = ?"
        content = self.row("attachments", query, attachment_id).get("content")
        return content if isinstance(content, bytes) else None

    def fragments(self, by: str, response_id: str) -> list[str]:
        """Return the texts that a prompt was made of, in their order."""
        query = (
            f"select f.content from {by} as o join fragments as f on f.id = o.fragment_id "  # noqa: S608
            'where o.response_id = ? order by o."order"'
        )
        if by not in self.tables:
            return []
        return [text(row["content"]) for row in self.rows("fragments", query, response_id)]


def read_json(value: object) -> Fields:
    """Return the object that a column has as JSON, or an empty one."""
    if not isinstance(value, str):
        return {}
    try:
        return fields(msgspec.json.decode(value))
    except msgspec.DecodeError:
        return {}


def asked(row: Fields, reasoning: str) -> Asked:
    """Return what a row says of a request, of responses and of turns alike."""
    model = text(row.get("resolved_model")) or text(row.get("model"))
    took = count(row.get("duration_ms"))
    options = read_json(row.get("options_json"))
    details = read_json(row.get("token_details"))
    return Asked(
        provider=provider_of(model) if model else None,
        model=model.rpartition("/")[2] or None,
        settings=options,
        reasoning=reasoning or None,
        tokens_input=count(row.get("input_tokens")),
        tokens_output=count(row.get("output_tokens")),
        total_time=None if took is None else took / 1000,
        more={"token_details": details} if details else {},
    )


def talk_keys(logs: Logs) -> Iterator[tuple[str, list[str]]]:
    """Yield each conversation with the ids of its responses; one that has none is one response's.

    Conversations that newer versions went on with are threads, which have all of them.
    """
    newer = "where conversation_id is null or conversation_id not in (select id from threads)"
    query = "select id, conversation_id from responses "
    query += (newer if "threads" in logs.tables else "") + " order by conversation_id, rowid"
    last: tuple[str, list[str]] | None = None
    for row in logs.rows("responses", query):
        own, of = text(row["id"]), text(row["conversation_id"])
        if last and of and last[0] == of:
            last[1].append(own)
            continue
        if last:
            yield last
        last = (of or own, [own])
    if last:
        yield last


def talk_of(logs: Logs, key: str, response_ids: list[str]) -> Talk:
    """Return a conversation. Raises Unreadable."""
    said: list[Said] = []
    system = ""
    first: Fields = {}
    for response_id in response_ids:
        row = logs.row("responses", "select * from responses where id = ?", response_id)
        if not row:
            raise Unreadable(f"Its response {response_id} is not there.")
        first = first or row
        system = _say(logs, row, said, system)
    named = logs.row("conversations", "select * from conversations where id = ?", key)
    at = moment(first.get("datetime_utc"))
    title = text(named.get("name")) or text(first.get("prompt"))
    return Talk(product="llm", key=key, title=title, said=said, at=at)


def _say(logs: Logs, row: Fields, said: list[Said], system: str) -> str:
    """Add what was asked and answered; return what the system said."""
    own, at = text(row["id"]), moment(row.get("datetime_utc"))

    def add(kind: str, **values: object) -> None:
        above = said[-1].key if said else None
        said.append(Said(key=f"{own}#{kind}", above=above, at=at, **values))  # pyright: ignore[reportArgumentType]

    fragments = logs.fragments("system_fragments", own)
    told = "\n\n".join(filter(None, [*fragments, text(row.get("system"))]))
    if told and told != system:
        add("system", role="system", parts=[told])
    for number, each in enumerate(
        logs.rows("tool_results", "select * from tool_results where response_id = ?", own)
    ):
        _add_result(said, each, f"{own}#result{number}", at)
    words = [*logs.fragments("prompt_fragments", own), text(row.get("prompt"))]
    parts: list[Part] = [*filter(None, words)]
    parts += logs.attached("prompt_attachments", "response_id", own)
    if parts:
        add("prompt", role="user", parts=parts)
    query = "select * from tool_calls where response_id = ?"
    calls = [
        call(
            text(each.get("tool_call_id")) or f"call_{each['id']}",
            text(each.get("name")),
            each.get("arguments"),
        )
        for each in logs.rows("tool_calls", query, own)
    ]
    answer = text(row.get("response"))
    add(
        "response",
        role="assistant",
        parts=[answer] if answer else [],
        calls=calls,
        asked=asked(row, text(row.get("reasoning"))),
    )
    return told or system


def _add_result(said: list[Said], row: Fields, key: str, at: datetime | None) -> None:
    """Add what a tool gave; of a call that is not in the message above it is no answer."""
    call_id = text(row.get("tool_call_id"))
    called = {each["id"] for before in said for each in before.calls}
    is_answer = bool(call_id) and call_id in called
    output = text(row.get("output")) or text(row.get("exception"))
    said.append(
        Said(
            key=key,
            above=said[-1].key if said else None,
            role="tool" if is_answer else "system",
            parts=[output],
            at=at,
            call_id=call_id if is_answer else None,
            name=text(row.get("name")) or None if is_answer else None,
        )
    )

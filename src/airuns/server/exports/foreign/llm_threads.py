"""The logs of `llm` since 0.32: messages named by their hashes, shared by the threads they are in.

A thread is a tree: each of its turns is a line of messages that ends with an answer.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from airuns.server.exports.foreign.llm_logs import Logs, asked, read_json
from airuns.server.exports.foreign.talks import (
    Fields,
    Part,
    Role,
    Said,
    Talk,
    Unreadable,
    call,
    listed,
    moment,
    objects,
    text,
)

ROLES = ("system", "user", "assistant", "tool")


def thread_keys(logs: Logs) -> Iterator[str]:
    """Yield each thread."""
    for row in logs.rows("threads", "select id from threads order by id"):
        yield text(row["id"])


def talk_of(logs: Logs, key: str) -> Talk:
    """Return a thread. Raises Unreadable."""
    thread = logs.row("threads", "select * from threads where id = ?", key)
    query = "select * from turns where thread_id = ? order by rowid"
    reading = _Reading(logs)
    head: str | None = None
    turn: Fields = {}
    for turn in logs.rows("turns", query, key):
        head = reading.take(turn) or head
    tip = thread.get("tip_message_hash")
    return Talk(
        product="llm",
        key=key,
        title=text(thread.get("name")),
        said=reading.said,
        head=reading.ends.get(tip, head) if isinstance(tip, str) else head,
        at=moment(thread.get("datetime_utc")),
        updated_at=moment(turn.get("datetime_utc")),
    )


class _Reading:
    """Reads the turns of one thread. `ends` are the last messages that a message became."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self.said: list[Said] = []
        self.ends: dict[str, str | None] = {}

    def take(self, turn: Fields) -> str | None:
        """Add the messages of a turn that are new; return the key of its answer."""
        tip = text(turn.get("tip_message_hash"))
        at = moment(turn.get("datetime_utc"))
        for row in self._line(tip):
            self._add(row, at, turn if row["hash"] == tip else None)
        return self.ends.get(tip)

    def _line(self, tip: str) -> list[Fields]:
        """Return the messages down to `tip` that have not been taken, the first one first."""
        line: list[Fields] = []
        seen: set[str] = set()
        while tip and tip not in self.ends:
            query = "select hash, parent_hash, role from messages where hash = ?"
            row = self._logs.row("messages", query, tip)
            if not row or tip in seen:
                raise Unreadable(f"Its message {tip} is not there.")
            seen.add(tip)
            line.append(row)
            tip = text(row["parent_hash"])
        return line[::-1]

    def _add(self, row: Fields, at: datetime | None, turn: Fields | None) -> None:
        own = text(row["hash"])
        role = text(row["role"])
        if role not in ROLES:
            raise Unreadable(f"Its message {own} has the role {role[:60]!r}.")
        above = self.ends.get(text(row["parent_hash"]))
        query = "select * from parts where message_hash = ? order by position"
        parts = list(self._logs.rows("parts", query, own))
        results = [each for each in parts if each["type"] == "tool_result"]
        told, calls, reasoning = self._told(parts)
        if told or calls or (turn is not None and role == "assistant"):
            request = asked(turn, reasoning) if turn is not None and role == "assistant" else None
            above = self._say(own, above, cast("Role", role), told, at, calls=calls, asked=request)
        for number, each in enumerate(results):
            payload = read_json(each.get("payload"))
            call_id = text(payload.get("tool_call_id"))
            called = {one["id"] for said in self.said for one in said.calls}
            output = text(payload.get("output")) or text(payload.get("exception"))
            answers = bool(call_id) and call_id in called
            above = self._say(
                f"{own}#{number}",
                above,
                "tool" if answers else "system",
                [output, *self._files(each)],
                at,
                call_id=call_id if answers else None,
                name=text(payload.get("name")) or None if answers else None,
            )
        self.ends[own] = above

    def _say(
        self, key: str, above: str | None, role: Role, parts: list[Part], at: Any, **more: Any
    ) -> str:
        self.said.append(Said(key=key, above=above, role=role, parts=parts, at=at, **more))
        return key

    def _told(self, rows: list[Fields]) -> tuple[list[Part], list[Fields], str]:
        """Return the texts and files of a message, its calls of tools, and its reasoning."""
        told: list[Part] = []
        calls: list[Fields] = []
        reasoning: list[str] = []
        for row in rows:
            payload = read_json(row.get("payload"))
            match row["type"]:
                case "text":
                    told.append(self._text(row, payload))
                case "reasoning":
                    reasoning.append(self._text(row, payload))
                case "attachment":
                    told += self._files(row)
                case "tool_call" if not payload.get("server_executed"):
                    call_id = text(payload.get("tool_call_id")) or f"call_{row['id']}"
                    calls.append(call(call_id, text(payload.get("name")), payload.get("arguments")))
                case _:
                    pass
        return [each for each in told if each], calls, "\n\n".join(filter(None, reasoning))

    def _text(self, row: Fields, payload: Fields) -> str:
        """Return a text, of which pieces may be kept once for all that use them."""
        pieces = listed(payload.get("text_ref"))
        if not pieces:
            return text(row.get("text"))
        return "".join(self._piece(piece) for piece in objects(pieces))

    def _piece(self, piece: Fields) -> str:
        if "fragment" not in piece:
            return text(piece.get("literal"))
        query = "select content from fragments where id = ?"
        return text(self._logs.row("fragments", query, piece["fragment"]).get("content"))

    def _files(self, row: Fields) -> list[Part]:
        return self._logs.attached("part_attachments", "part_id", row["id"])

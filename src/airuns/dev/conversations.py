"""Writes conversations as the rows that the server would have left, in PostgreSQL's COPY format.

What triggers keep (counts, totals, previews, status) is computed here as they compute it
(schema/60_run_triggers.sql); a test lets the triggers do it again and compares.
"""

import hashlib
import random
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec

from airuns.dev.catalog import MODELS, TAGS, Model, Prompt, uuid7
from airuns.dev.words import Text, Texts, code, rare_word
from airuns.server.runs.rules import Turn, chain_hash, first_sentence, shorten

DAY_MS = 86_400_000
RUNS_PER_RARE_WORD = 3

COLUMNS = {
    "ai_runs": (
        "user_id, id, source_type, source_id, prompt_version, name, description, tags, settings,"
        " variable_values, status, is_starred, head_message_id, preview, last_task_id,"
        " last_task_status, total_tokens, total_cost, message_count, task_count, ended_task_count,"
        " counted_task_count, priced_task_count, created_at, updated_at, last_message_at,"
        " archived_at, deleted_at"
    ),
    "ai_tasks": (
        "user_id, task_id, run_id, source_type, prompt_id, prompt_version, key_id,"
        " request_message_id, provider, model, model_id, request_data, request_hash, response_text,"
        " response_errors,"
        " tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_reasoning,"
        " usage_estimated, cost, price, time_to_first_token, total_time, status, created_at,"
        " updated_at, completed_at"
    ),
    "ai_messages": (
        "user_id, id, run_id, parent_id, depth, role, content, chain_hash, task_id, metadata,"
        " created_at"
    ),
}
"""The tables in the order of their foreign keys, and what is given of each."""

_NULL = "\\N"
_MODEL_SHARES = list(accumulate(model.share for model in MODELS))
_TAG_SHARES = list(accumulate(1 / rank for rank in range(1, len(TAGS) + 1)))
_SOURCES = ("prompt", "chat", "applet", "cockpit", "workflow", "action", "custom")
_SOURCE_SHARES = (52, 84, 90, 94, 97, 99, 100)
_FAILURES: dict[str, dict[str, Any]] = {
    "error": {"code": "overloaded_error", "message": "The model is overloaded.", "status": 529},
    "timeout": {"code": "first_token", "message": "No token came for 120 seconds."},
}
_OUTCOMES = {"error": 0.03, "timeout": 0.038, "cancelled": 0.055}


class Rows:
    """Rows to be copied, a line each, by table."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {table: [] for table in COLUMNS}

    def add(self, table: str, *values: object) -> None:
        """Add a row; None is null, and texts from conversations have come through `escaped`."""
        texts = [_NULL if value is None else str(value) for value in values]
        self.lines[table].append("\t".join(texts))

    def data(self, table: str) -> bytes:
        """Return what COPY reads."""
        return "".join(f"{line}\n" for line in self.lines[table]).encode()


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """A user, and what that user's runs can use: prompts, API keys, ids of models by full name."""

    user_id: UUID
    prompts: list[Prompt]
    key_ids: list[UUID]
    model_ids: dict[str, UUID]


class _Node(msgspec.Struct, frozen=True):
    """A message: its place in the tree; the request and the tokens of the line to it."""

    id: str
    depth: int
    chain: bytes
    request: Any
    tokens: int


class Conversation:
    """One run as it is being written; `share` is how much of the time until `until_ms` has gone."""

    def __init__(
        self,
        rng: random.Random,
        author: Author,
        texts: Texts,
        rows: Rows,
        *,
        at_ms: int,
        until_ms: int,
        share: float,
    ) -> None:
        self.rng = rng
        self.until = until_ms
        self.user = author.user_id.hex
        self.id = uuid7(rng, at_ms)
        self.began = self.at = at_ms
        self.text: Text = texts.language(rng)
        self.model: Model = rng.choices(MODELS, cum_weights=_MODEL_SHARES)[0]
        self.model_id = author.model_ids[self.model.full_name].hex
        self.source = rng.choices(_SOURCES, cum_weights=_SOURCE_SHARES)[0]
        self.key_id = rng.choice([None, *author.key_ids])
        self.prompt: Prompt | None = None
        self.version: int | None = None
        if self.source == "prompt":
            self.prompt = author.prompts[int(len(author.prompts) * rng.random() ** 2)]
            self.version = 1 + min(
                len(self.prompt.versions) - 1, int(share * len(self.prompt.versions))
            )
        more = {"temperature": 0.2} if rng.random() < 0.3 else {}
        self.settings = msgspec.json.encode({"model": self.model.full_name, **more}).decode()
        request = {"model": self.model.full_name, "messages": None, **more}
        self.request_data = msgspec.json.encode(request).decode()
        self.rows = rows
        self.preview = ""
        self.status = "active"
        self.last_task: tuple[str, str] | None = None
        self.messages = self.tasks = self.counted = self.priced = self.tokens = self.cost = 0

    def hold(self, number: int, turns: int) -> None:
        """Let the user take so many turns; the first has the rare word of run `number`."""
        rng, head = self.rng, None
        topic = self.text.some(rng, 2).replace("\n", " ")
        if self.prompt and self.version:
            head = self._say(None, "system", self.prompt.said(self.version, topic))
        rare = rare_word(number // RUNS_PER_RARE_WORD)
        for turn in range(turns):
            if turn:
                self._wait(int(rng.lognormvariate(11, 1)) + DAY_MS * (rng.random() < 0.01))
            asked = self._question(head, f" {rare}" if turn == 0 else "")
            if turn == 0:
                self.name = shorten(first_sentence(asked[1]))
            above, head = head, self._answered(asked[0])
            if rng.random() < 0.01:
                head = self._answered(self._question(above, "")[0])
            elif rng.random() < 0.01:
                head = self._answered(asked[0])
        assert head is not None
        self._end(head, {"topic": topic} if self.prompt else {})

    def _wait(self, ms: int) -> None:
        self.at = max(self.at, min(self.at + ms, self.until))

    def _question(self, above: _Node | None, more: str) -> tuple[_Node, str]:
        text = self.text.some(self.rng, 2 + min(300, int(self.rng.lognormvariate(2.3, 0.7)))) + more
        return self._say(above, "user", text), text

    def _answered(self, question: _Node) -> _Node:
        """Call the model, once more when that fails; return where the line ends then."""
        chance = self.rng.random()
        outcome = next((name for name, share in _OUTCOMES.items() if chance < share), "completed")
        if outcome not in _FAILURES:
            return self._task(question, outcome) or question
        self._task(question, outcome)
        self._wait(3_000)
        return (self._task(question, "completed") if self.rng.random() < 0.7 else None) or question

    def _task(self, question: _Node, status: str) -> _Node | None:
        """Record a task and its answer."""
        rng, model = self.rng, self.model
        task_id, began = uuid7(rng, self.at), self.at
        failed = status in _FAILURES
        text = "" if failed else self._text()
        size = _size(text)
        reasoned = int(size * rng.uniform(1, 4)) if model.reasons and not failed else 0
        first = None if failed else model.first * rng.lognormvariate(0, 0.4)
        total = rng.uniform(1, 120) if first is None else first + (size + reasoned) / model.speed
        self._wait(int(total * 1000))
        counts = None if failed or not model.counts else (question.tokens, size + reasoned)
        cached = int(question.tokens * 0.8) if question.depth > 3 and rng.random() < 0.5 else 0
        cost = self._cost(counts, cached)
        errors = msgspec.json.encode(_FAILURES[status]).decode() if failed else None
        request = question.request.copy()
        request.update(b"]" + self.request_data.partition("null")[2].encode())
        ended = _time(self.at)
        self.rows.add(
            "ai_tasks", self.user, task_id, self.id, self.source,
            self.prompt.id if self.prompt else None, self.version, self.key_id, question.id,
            model.provider, model.name, self.model_id, self.request_data,
            f"\\\\x{request.hexdigest()}", escaped(text), errors,
            *((counts[0], counts[1], sum(counts), cached) if counts else (None,) * 4),
            reasoned or None if counts else None, status == "cancelled" and counts is not None,
            _usd(cost), None if cost is None else model.price,
            None if first is None else round(first, 3), round(total, 3), status,
            _time(began), ended, ended,
        )  # fmt: skip
        self.tasks += 1
        self.last_task = (task_id, status)
        self.status = "error" if failed else "active"
        if counts:
            self.counted += 1
            self.tokens += sum(counts)
        if cost is not None:
            self.priced += 1
            self.cost += cost
        if failed:
            self.preview = _FAILURES[status]["message"]
            return None
        said = {} if status == "completed" else {"status": status}
        return self._say(question, "assistant", text, task_id, msgspec.json.encode(said).decode())

    def _cost(self, counts: tuple[int, int] | None, cached: int) -> int | None:
        """Return what a task cost in 1e-10 USD."""
        model = self.model
        if counts is None or model.price_input is None or model.price_output is None:
            return None
        uncached = (counts[0] - cached) * model.price_input
        return uncached + cached * (model.price_cached or 0) + counts[1] * model.price_output

    def _text(self) -> str:
        text = self.text.some(self.rng, 3 + min(2000, int(self.rng.lognormvariate(3.6, 0.8))))
        return f"{text}\n\n{code(self.rng)}" if self.rng.random() < 0.08 else text

    def _say(
        self,
        above: _Node | None,
        role: str,
        text: str,
        task_id: str | None = None,
        metadata: str = "{}",
    ) -> _Node:
        node_id = uuid7(self.rng, self.at)
        chain = chain_hash(above.chain if above else None, Turn(role, text))
        depth = above.depth + 1 if above else 0
        self.rows.add(
            "ai_messages", self.user, node_id, self.id, above.id if above else None, depth, role,
            escaped(text), f"\\\\x{chain.hex()}", task_id, metadata, _time(self.at),
        )  # fmt: skip
        self.messages += 1
        self.last_message = self.at
        self.preview = " ".join(text[:400].split())[:160].rstrip() or self.preview
        if above is None:
            request = hashlib.sha256(self.request_data.partition("null")[0].encode() + b"[")
        else:
            request = above.request.copy()
            request.update(b",")
        request.update(msgspec.json.encode({"role": role, "content": text}))
        self.at += 1
        return _Node(node_id, depth, chain, request, (above.tokens if above else 3) + _size(text))

    def _end(self, head: _Node, values: dict[str, str]) -> None:
        """Record the run itself, with what triggers would have kept."""
        rng = self.rng
        source_id: object = None if self.source == "chat" else f"{self.source}-{rng.randrange(9)}"
        tags = rng.choices(TAGS, cum_weights=_TAG_SHARES, k=rng.choice((0, 0, 0, 1, 1, 2, 3)))
        if self.status == "active" and self.source in ("workflow", "action"):
            self.status = "completed"
        at = _time(self.at)
        self.rows.add(
            "ai_runs", self.user, self.id, self.source,
            self.prompt.id if self.prompt else source_id, self.version, escaped(self.name),
            escaped(self.preview) if rng.random() < 0.05 else "",
            "{" + ",".join(dict.fromkeys(tags)) + "}", self.settings,
            escaped(msgspec.json.encode(values).decode()), self.status, rng.random() < 0.04,
            head.id, escaped(self.preview), *(self.last_task or (None, None)),
            self.tokens if self.counted or not self.tasks else None,
            _usd(self.cost if self.priced or not self.tasks else None),
            self.messages, self.tasks, self.tasks, self.counted, self.priced,
            _time(self.began), at, _time(self.last_message),
            at if rng.random() < 0.1 else None, at if rng.random() < 0.03 else None,
        )  # fmt: skip


def escaped(text: str) -> str:
    """Return a text as COPY reads it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _size(text: str) -> int:
    """Return about how many tokens a text has, in any script."""
    return 1 + len(text.encode()) // 4


def _usd(units: int | None) -> str | None:
    """Return a cost, given in 1e-10 USD, as a decimal."""
    if units is None:
        return None
    return f"{units // 10**10}.{units % 10**10:010d}".rstrip("0").rstrip(".")


def _time(ms: int) -> str:
    minute, rest = divmod(ms, 60_000)
    return f"{_minute(minute)}:{rest / 1000:06.3f}Z"


@lru_cache(1000)
def _minute(number: int) -> str:
    return datetime.fromtimestamp(number * 60, UTC).strftime("%Y-%m-%dT%H:%M")

"""What somebody types into a search, read and written.

    invoice -draft "due date" proj* status:error -tag:old cost:>0.1 after:2026-01-01

Reading never fails: what is no filter is text, and a notice says so. A query that is read can be
written as text again, and reading that gives the same query.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal, get_args

import msgspec

from airuns.wire import SourceType

LONGEST = 500
MOST = 40

Kind = Literal["word", "prefix", "phrase"]
Key = Literal[
    "model",
    "provider",
    "source",
    "prompt",
    "tag",
    "status",
    "is",
    "role",
    "before",
    "after",
    "on",
    "cost",
    "tokens",
    "messages",
]

STATUSES = ("pending", "completed", "error", "timeout", "cancelled")
STATES = ("starred", "archived", "unfinished")
ROLES = ("system", "developer", "user", "assistant", "tool")

_ITEM = re.compile(
    r"""(?P<minus>-?)(?:
        (?P<key>[A-Za-z]+):(?:"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?$)|(?P<value>[^\s"]\S*))
        |"(?P<phrase>[^"]*)(?:"|$)
        |(?P<word>[^\s"]+)
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"(>=|<=|>|<|=)?(\d{1,12}(?:\.\d{1,12})?)(k|m)?", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_AGO = re.compile(r"(\d{1,4})([dwmy])", re.IGNORECASE)
_AGO_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class Term(msgspec.Struct, frozen=True):
    """Words to look for: one word, one that a word begins with, or several in a row."""

    kind: Kind
    text: str
    is_not: bool = False

    def __str__(self) -> str:
        shown = {"word": self.text, "prefix": f"{self.text}*", "phrase": f'"{self.text}"'}
        return f"{'-' * self.is_not}{shown[self.kind]}"


class Filter(msgspec.Struct, frozen=True):
    """Something that runs have, or messages in the case of `role`. `op` compares a number."""

    key: Key
    value: str
    is_not: bool = False
    op: Literal["", ">", ">=", "<", "<="] = ""

    def __str__(self) -> str:
        value = self.op + self.value
        if not value or re.search(r'\s|^"', value):
            value = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        return f"{'-' * self.is_not}{self.key}:{value}"


Item = Term | Filter


class Chip(msgspec.Struct, frozen=True):
    """A part of a query for showing: its kind, what it says, and the query without it."""

    kind: str
    label: str
    is_not: bool
    without: str


class Query(msgspec.Struct, frozen=True):
    """What is searched for, in the order in which it was typed."""

    items: tuple[Item, ...]
    notices: tuple[str, ...] = ()

    @property
    def terms(self) -> list[Term]:
        return [item for item in self.items if isinstance(item, Term)]

    @property
    def filters(self) -> list[Filter]:
        return [item for item in self.items if isinstance(item, Filter)]

    @property
    def chips(self) -> list[Chip]:
        """Return the parts, each with the query that is left without it."""
        return [
            Chip(
                item.kind if isinstance(item, Term) else item.key,
                item.text if isinstance(item, Term) else item.op + item.value,
                item.is_not,
                text_of(self.items[:at] + self.items[at + 1 :]),
            )
            for at, item in enumerate(self.items)
        ]

    def __str__(self) -> str:
        return text_of(self.items)


def text_of(items: tuple[Item, ...]) -> str:
    """Return items as they are typed."""
    return " ".join(map(str, items))


def parse(text: str, *, is_typing: bool = False) -> Query:
    """Read a query of at most LONGEST characters and MOST items; more is left out, with a notice.

    While somebody `is_typing`, the last word may be the beginning of one.
    """
    notices: list[str] = []
    if len(text) > LONGEST:
        notices.append(f"Only the first {LONGEST} characters are searched for.")
        text = text[:LONGEST]
    read = [_item(found, notices) for found in _ITEM.finditer(text)]
    items = [item for item in read if item is not None]
    if len(items) > MOST:
        notices.append(f"Only the first {MOST} words and filters are searched for.")
        items = items[:MOST]
    if is_typing and items and not text[-1:].isspace():
        last = items[-1]
        if isinstance(last, Term) and last.kind == "word":
            items[-1] = msgspec.structs.replace(last, kind="prefix")
    return Query(tuple(items), tuple(dict.fromkeys(notices)))


def beginnings(query: Query) -> Query:
    """Return a query of which each word may be the beginning of one."""
    return msgspec.structs.replace(
        query,
        items=tuple(
            msgspec.structs.replace(item, kind="prefix")
            if isinstance(item, Term) and item.kind == "word"
            else item
            for item in query.items
        ),
    )


def _item(found: re.Match[str], notices: list[str]) -> Item | None:
    is_not = bool(found["minus"])
    if found["key"] is not None:
        return _filter(found, is_not, notices)
    if found["phrase"] is not None:
        phrase = " ".join(found["phrase"].split())
        return Term("phrase", phrase, is_not) if phrase else None
    word = found["word"]
    text = word.rstrip("*")
    if not text or (text == "-" and not is_not):
        return None
    return Term("word" if text == word else "prefix", text, is_not)


def _filter(found: re.Match[str], is_not: bool, notices: list[str]) -> Item | None:
    key = found["key"].lower()
    quoted = found["quoted"]
    value = found["value"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    rule = RULES.get(key)
    read = rule.read(value) if rule else None
    if rule and read:
        op, canonical = read
        return Filter(rule.key, canonical, is_not, op)
    if rule:
        notices.append(f"{key}:{value} is searched for as text: {key}: takes {rule.takes}.")
    elif value[0:1] not in (":", "/", "\\"):  # std::vector and https:// are text, and meant so
        notices.append(
            f"{key}: is not a filter, and is searched for as text. Filters are {', '.join(RULES)}."
        )
    if quoted is None:
        text = f"{key}:{value}" if rule else f"{found['key']}:{value}"
        stripped = text.rstrip("*")
        return Term("word" if stripped == text else "prefix", stripped, is_not)
    phrase = " ".join(f"{found['key']} {value}".replace('"', " ").split())
    return Term("phrase", phrase, is_not)


Read = tuple[Literal["", ">", ">=", "<", "<="], str]


class Rule(msgspec.Struct, frozen=True):
    """How the value of a filter is read (None: it cannot be), and what to say that it takes."""

    key: Key
    read: Callable[[str], Read | None]
    takes: str


def _text(value: str) -> Read | None:
    return ("", value) if value.strip() else None


def _one_of(values: tuple[str, ...]) -> Callable[[str], Read | None]:
    return lambda value: ("", value.lower()) if value.lower() in values else None


def _number(value: str) -> Read | None:
    found = _NUMBER.fullmatch(value.removeprefix("$"))
    if found is None:
        return None
    number = found[2]
    if found[3]:
        number = f"{float(number) * {'k': 1e3, 'm': 1e6}[found[3].lower()]:.0f}"
    op = found[1] or ""
    return ("" if op == "=" else op), number  # pyright: ignore[reportReturnType]


def _day(value: str) -> Read | None:
    value = value.lower()
    if value in ("today", "yesterday") or _AGO.fullmatch(value):
        return "", value
    return ("", value) if days_of(value, date(2000, 1, 1)) else None


def days_of(value: str, today: date) -> tuple[date, date] | None:
    """Return the first day of what a filter by date says and the first day after it, or None.

    A date is 2026, 2026-11 or 2026-11-21; so are today, yesterday and 7d (also w, m, y): that long
    ago.
    """
    if ago := _AGO.fullmatch(value):
        day = today - timedelta(days=int(ago[1]) * _AGO_DAYS[ago[2].lower()])
        return day, day + timedelta(days=1)
    if value in ("today", "yesterday"):
        day = today - timedelta(days=value == "yesterday")
        return day, day + timedelta(days=1)
    if not (found := _DAY.fullmatch(value)):
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
    except ValueError:
        return None
    if not 1970 <= first.year <= 2999:
        return None
    if day:
        return first, first + timedelta(days=1)
    if month:
        return first, date(first.year + month // 12, month % 12 + 1, 1)
    return first, date(first.year + 1, 1, 1)


_DATE = "a date, as 2026, 2026-11, 2026-11-21, today, yesterday or 7d"
_AMOUNT = "a number, as >1000, >=1000, <1000 or 1000"

RULES: dict[str, Rule] = {
    "model": Rule("model", _text, "a model, as openai/gpt-4o or gpt-4o"),
    "provider": Rule("provider", _text, "a provider, as openai"),
    "source": Rule("source", _one_of(get_args(SourceType)), ", ".join(get_args(SourceType))),
    "prompt": Rule("prompt", _text, "the id or the name of a prompt"),
    "tag": Rule("tag", _text, "a tag"),
    "status": Rule("status", _one_of(STATUSES), ", ".join(STATUSES)),
    "is": Rule("is", _one_of(STATES), ", ".join(STATES)),
    "role": Rule("role", _one_of(ROLES), ", ".join(ROLES)),
    "before": Rule("before", _day, _DATE),
    "after": Rule("after", _day, _DATE),
    "on": Rule("on", _day, _DATE),
    "cost": Rule("cost", _number, "US dollars, as >0.1, >=0.1, <0.1 or 0.1"),
    "tokens": Rule("tokens", _number, _AMOUNT),
    "messages": Rule("messages", _number, _AMOUNT),
}

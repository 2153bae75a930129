"""Filters of a search as conditions on runs: those of the lists of runs, and more."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from airuns.server.runs.lists import RUN_FILTERS, RunFilter, run_clauses
from airuns.server.search.query import Filter, days_of

_VALUE = "%({0})s"

_TEXTS = {
    "source": RUN_FILTERS["source_type"].replace("%(source_type)s", _VALUE),
    "status": RUN_FILTERS["last_status"].replace("%(last_status)s", _VALUE),
    "tag": RUN_FILTERS["tag"].replace("%(tag)s", _VALUE),
    "model": "lower(%({0})s) in (lower(settings ->> 'model'),"
    " lower(substr(settings ->> 'model', strpos(settings ->> 'model', '/') + 1)))",
    "provider": "lower(%({0})s) = lower(split_part(settings ->> 'model', '/', 1))",
    "prompt": "prompt_id in (select p.id from airuns.prompts as p where p.user_id = %(user_id)s"
    " and (p.id::text = lower(%({0})s) or lower(p.name) = lower(%({0})s)))",
}
_STATES = {
    "starred": "is_starred",
    "archived": "archived_at is not null",
    "unfinished": "last_task_status = 'pending'",
}
_NUMBERS = {"cost": "total_cost", "tokens": "total_tokens", "messages": "message_count"}


class Conditions(msgspec.Struct, frozen=True):
    """What rows of runs fulfil, the parameters of that, and whether anybody asked for it."""

    clauses: list[str]
    params: dict[str, Any]
    is_asked: bool


def conditions(
    filters: list[Filter], zone: ZoneInfo, now: datetime, within: RunFilter | None = None
) -> Conditions:
    """Return the conditions of a search. Dates are days of `zone`, of the last message.

    Deleted runs are never found; archived ones are when `is:archived` asks for them, as in lists,
    or `within`, a list that is searched.
    """
    clauses, params = run_clauses(within or RunFilter())
    is_narrowed = len(clauses) > 1
    of_runs = [each for each in filters if each.key != "role"]
    wants_archived = any(each.key == "is" and each.value == "archived" for each in of_runs)
    if not wants_archived and (within is None or within.archived is None):
        clauses.append("archived_at is null")
    for number, each in enumerate(of_runs):
        clause, values = _condition(each, f"filter_{number}", zone, now)
        clauses.append(f"not coalesce(({clause}), false)" if each.is_not else clause)
        params.update(values)
    return Conditions(clauses, params, bool(of_runs) or is_narrowed)


def _condition(
    each: Filter, name: str, zone: ZoneInfo, now: datetime
) -> tuple[str, dict[str, Any]]:
    if each.key in _TEXTS:
        return _TEXTS[each.key].format(name), {name: each.value}
    if each.key == "is":
        return _STATES[each.value], {}
    if each.key in _NUMBERS:
        return f"{_NUMBERS[each.key]} {each.op or '='} %({name})s::numeric", {name: each.value}
    days = days_of(each.value, now.astimezone(zone).date())
    assert days is not None
    first, after = (_midnight(day, zone) for day in days)
    if each.key == "before":
        return f"last_message_at < %({name})s", {name: first}
    if each.key == "after":
        return f"last_message_at >= %({name})s", {name: first}
    return (
        f"(last_message_at >= %({name})s and last_message_at < %({name}_end)s)",
        {name: first, f"{name}_end": after},
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)

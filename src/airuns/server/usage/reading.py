"""What the dashboard reads: sums by each thing alone, as a whole time or step by step.

Without a filter they are read from usage_parts_*, of which there are few however many tasks there
were; with one from usage_hourly, by everything at once (schema/80_usage.sql).
"""

from collections.abc import Iterable
from decimal import Context
from typing import Any, Literal
from uuid import UUID

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.usage.filters import (
    Dimension,
    Span,
    UsageFilter,
    clauses,
    covered,
    is_filtered,
    moments,
    moved,
)

SQL = queries.load(__package__ or "", "store.sql")

Row = dict[str, Any]
About = Literal["all", "model", "prompt", "version", "source", "key", "tag", "status"]

ABOUTS: dict[Dimension, About] = {
    "model": "model",
    "provider": "model",
    "prompt": "prompt",
    "version": "version",
    "source": "source",
    "key": "key",
    "tag": "tag",
    "status": "status",
}
"""The rows that a breakdown is made of: those of a provider are those of its models."""

TOKENS = (
    *("tokens_input", "tokens_output", "tokens_total", "tokens_cache_read"),
    *("tokens_cache_write_5m", "tokens_cache_write_1h", "tokens_reasoning"),
)
COUNTS = (
    *("runs", "tasks", "failed", "counted", "priced", "estimated", *TOKENS, "generated_tokens"),
    *("generated_us", "first_token_tasks", "first_token_us", "total_time_tasks", "total_time_us"),
)
AMOUNTS = ("cost", "first_token_histogram", "total_time_histogram")
SUMMED = (*COUNTS, *AMOUNTS)
EXACT = Context(prec=10_000)
"""Python rounds to 28 digits; a histogram has up to 1,600."""

DIMENSIONS: dict[str, str] = {
    "source_type": "''",
    "prompt_id": "'00000000-0000-0000-0000-000000000000'::uuid",
    "prompt_version": "0",
    "provider": "''",
    "model": "''",
    "key_id": "'00000000-0000-0000-0000-000000000000'::uuid",
    "status": "''",
    "error_code": "''",
}
"""The columns of usage_hourly that its parts are by, and what stands for none."""

OF: dict[About, tuple[str, ...]] = {
    "all": (),
    "model": ("model", "provider"),
    "prompt": ("prompt_id",),
    "version": ("prompt_id", "prompt_version"),
    "source": ("source_type",),
    "key": ("key_id",),
    "tag": (),
    "status": ("status", "error_code"),
}


Query = tuple[str, dict[str, Any]]


async def whole(
    tx: Transaction, user_id: UUID, which: UsageFilter, span: Span, abouts: Iterable[About]
) -> dict[About, list[Row]]:
    """Return the sums of a time by each of `abouts`; an empty `value` or `detail` is none."""
    return await _read(tx, user_id, whole_query(which, span, list(abouts)))


async def stepwise(
    tx: Transaction, user_id: UUID, which: UsageFilter, span: Span, abouts: Iterable[About]
) -> dict[About, list[Row]]:
    """Return the sums of each step of a time by each of `abouts`, as `whole` does."""
    return await _read(tx, user_id, stepwise_query(which, span, list(abouts)))


async def versions(tx: Transaction, user_id: UUID, prompt_id: UUID, span: Span) -> list[Row]:
    """Return the sums of a time by one prompt's versions: each row's `detail` is one."""
    query = SQL["of_a_time"].format(sums=_sums("v"), filters="and value = %(value)s")
    params = {"abouts": ["version"], "value": str(prompt_id), **covered(span)}
    return (await _read(tx, user_id, (query, params)))["version"]


async def _read(tx: Transaction, user_id: UUID, query: Query) -> dict[About, list[Row]]:
    text, params = query
    found: dict[About, list[Row]] = {about: [] for about in params["abouts"]}
    for row in await tx.rows(text, user_id=user_id, **params):
        found[row["about"]].append(row)
    return found


def whole_query(which: UsageFilter, span: Span, abouts: list[About]) -> Query:
    """Return the query of `whole` and its parameters but the user."""
    if is_filtered(which):
        return _filtered(which, span, abouts, by_step=False)
    query = SQL["of_a_time"].format(sums=_sums("v"), filters="")
    return query, {"abouts": abouts, **covered(span)}


def stepwise_query(which: UsageFilter, span: Span, abouts: list[About]) -> Query:
    """Return the query of `stepwise` and its parameters but the user."""
    if is_filtered(which):
        return _filtered(which, span, abouts, by_step=True)
    query = SQL["by_step"].format(
        step=span.step,
        names=", ".join(SUMMED),
        signed_sums=_sums("v.sign * v"),
        moved_names=", ".join(f"m.{name}" for name in SUMMED),
        moved_sums=", ".join(f"sum(h.{name}) as {name}" for name in SUMMED),
    )
    times = {**covered(span), "moved": moved(span), "zone": span.zone}
    return query, {"abouts": abouts, **times}


def _filtered(which: UsageFilter, span: Span, abouts: list[About], *, by_step: bool) -> Query:
    text, params = clauses(which)
    if which.tag is None and "tag" not in abouts:
        text += " and v.tag = ''"
    needed = {name for about in abouts for name in OF[about]}
    needed.add("status")  # by which rows of tasks are told from those of runs
    kept = [name for name in DIMENSIONS if name in needed]
    groups = [*(["step"] if by_step else []), "d.tag", *(f"d.{name}" for name in kept)]
    query = SQL["filtered"].format(
        step=f"date_trunc('{span.step}', d.at, %(zone)s)" if by_step else "null::timestamptz",
        sums=_sums("v"),
        sums_of_rows=", ".join(f"sum(d.{name}) as {name}" for name in SUMMED),
        columns=", ".join(f"v.{name}" for name in ("at", "tag", *DIMENSIONS, *SUMMED)),
        dimensions=", ".join(
            f"d.{name}" if name in needed else f"{none} as {name}"
            for name, none in DIMENSIONS.items()
        ),
        filters=text,
        groups=", ".join(groups),
        parts=_parts("v.tag") if which.tag is None else f"{_parts(repr(''))} || {_parts('v.tag')}",
    )
    times = moments(span) | ({"zone": span.zone} if by_step else {})
    return query, {"abouts": abouts, **times, **params}


def _parts(tag: str) -> str:
    return f"airuns.usage_parts({tag}, {', '.join(f'v.{name}' for name in DIMENSIONS)})"


def _sums(of: str) -> str:
    """Sums of counts are numeric in PostgreSQL, and slow to read."""
    counts = (f"sum({of}.{name})::bigint as {name}" for name in COUNTS)
    return ", ".join([*counts, *(f"sum({of}.{name}) as {name}" for name in AMOUNTS)])


def merged(rows: Iterable[Row], name: str) -> list[Row]:
    """Return the sums by one of the columns alone, in each step, as its `value`."""
    found: dict[tuple[Any, str], Row] = {}
    for row in rows:
        known = found.get(key := (row["step"], row[name]))
        if known is None:
            found[key] = {**row, "value": row[name], "detail": ""}
        else:
            for each in COUNTS:
                known[each] += row[each]
            for each in AMOUNTS:
                known[each] = EXACT.add(known[each], row[each])
    return list(found.values())

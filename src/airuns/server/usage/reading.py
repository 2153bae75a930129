"""What the dashboard reads: sums by each thing alone, as a whole time or step by step.

Without a filter they are read from usage_parts_*, of which there are few however many tasks there
were; with one from usage_hourly, by everything at once (schema/80_usage.sql). Only the parts that
are shown leave the database, and of each only the measures that are asked for.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, localcontext
from typing import Any, Literal
from uuid import UUID

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.money import Usd
from airuns.server.usage.filters import (
    CLAUSES,
    Dimension,
    Span,
    UsageFilter,
    clauses,
    days,
    is_filtered,
    moments,
    months,
    moved,
)

SQL = queries.load(__package__ or "", "store.sql")

Row = dict[str, Any]
Key = tuple[str, str]
"""The value and the detail of a part, empty for none."""
About = Literal["all", "model", "prompt", "version", "source", "key", "tag", "status"]
Shown = About | Literal["provider", "outcome"]

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
"""The sums that a breakdown is made of: those of a provider are those of its models."""

TOKENS = (
    *("tokens_input", "tokens_output", "tokens_total", "tokens_cache_read"),
    *("tokens_cache_write_5m", "tokens_cache_write_1h", "tokens_reasoning"),
)
TIMES = (
    *("generated_tokens", "generated_us", "first_token_tasks", "first_token_us"),
    *("total_time_tasks", "total_time_us"),
)
COUNTS = ("runs", "tasks", "failed", "counted", "priced", "estimated", *TOKENS, *TIMES)
HISTOGRAMS = ("first_token_histogram", "total_time_histogram")
PLAIN = (*COUNTS, "cost")
EVERYTHING = (*PLAIN, *HISTOGRAMS)
LATENCY = ("tasks", *TIMES, *HISTOGRAMS)

SERIES: tuple[tuple[tuple[About, ...], tuple[str, ...]], ...] = (
    (("all", "model", "version"), EVERYTHING),
    (("prompt", "source", "key", "status"), PLAIN),
    (("tag",), PLAIN),
)
"""What is read together, and what of it: histograms are long, and kept of the first alone."""

EXACT = Context(prec=10_000)
"""Python rounds sums to 28 digits."""

NOBODY = "'00000000-0000-0000-0000-000000000000'"
OF: dict[About, tuple[tuple[str, ...], str, str]] = {
    "version": (("prompt_id", "prompt_version"), "v.prompt_id::text", "v.prompt_version::text"),
    "model": (("model", "provider"), "v.model", "v.provider"),
    "prompt": (("prompt_id",), f"coalesce(nullif(v.prompt_id, {NOBODY})::text, '')", "''"),
    "source": (("source_type",), "v.source_type", "''"),
    "key": (("key_id",), f"coalesce(nullif(v.key_id, {NOBODY})::text, '')", "''"),
    "tag": (("tag",), "v.tag", "''"),
    "status": (("status", "error_code"), "v.status", "v.error_code"),
    "all": ((), "''", "''"),
}
"""The columns of usage_hourly that a part is by, and its value and detail (see usage_parts)."""

TIMED: tuple[About, ...] = ("all", "model", "version")
"""The sums that have histograms."""
KEPT: tuple[tuple[About, dict[str, str], tuple[About, ...]], ...] = (
    ("model", {"model": "value", "provider": "detail"}, ("all", "model")),
    ("source", {"source_type": "value"}, ("all", "source")),
    ("key", {"key_id": "value"}, ("all", "key")),
    ("tag", {"tag": "value"}, ("all",)),  # what has one tag may have others, too
    ("status", {"status": "value"}, ("all", "status")),
    ("version", {"prompt_id": "value", "version": "detail"}, ("all", "version")),
)
"""Which sums by one thing alone serve which filters, in which column, and for which parts."""
NOT_KEPT: tuple[About, dict[str, str], tuple[About, ...]] = ("all", {}, ())

Query = tuple[str, dict[str, Any]]
Kept = tuple[About, str, dict[str, Any]]


async def whole(
    tx: Transaction,
    user_id: UUID,
    which: UsageFilter,
    span: Span,
    abouts: Iterable[About],
    *,
    top: int | None = None,
    is_named: bool = False,
    has_times: bool = True,
) -> dict[Shown, list[Row]]:
    """Return the sums of a time by each of `abouts`: what costs most first, at most `top` of each.

    All there is comes of the whole, of states and of versions; of models also those with the most
    tasks. With `is_named` the first row of each has the keys of all parts (`every_value`,
    `every_detail`). Without `has_times` there are no histograms.
    """
    wanted, found = list(abouts), dict[Shown, list[Row]]()
    for series, measures in SERIES:
        needed = measures if has_times else PLAIN
        some: list[About] = [about for about in series if about in wanted]
        alone: list[About] = [about for about in some if _kept(which, about, needed)]
        rest: list[About] = [about for about in some if about not in alone]
        groups: list[list[About]] = [*([about] for about in alone), *([rest] if rest else [])]
        for group in groups:
            query, params = whole_query(which, span, group, needed, top, is_named=is_named)
            for row in await tx.rows(query, user_id=user_id, **params):
                found.setdefault(row["about"], []).append(row)
    return found


async def stepwise(
    tx: Transaction,
    user_id: UUID,
    which: UsageFilter,
    span: Span,
    of: Dimension | Literal["all"],
    measures: Sequence[str] = EVERYTHING,
    own: Sequence[Key] | None = None,
) -> list[Row]:
    """Return the sums of each step of a time by one thing; those not in `own` as one `is_rest`."""
    query, params = stepwise_query(which, span, of, measures, own)
    return await tx.rows(query, user_id=user_id, **params)


async def versions(tx: Transaction, user_id: UUID, prompt_id: UUID, span: Span) -> list[Row]:
    """Return the sums of a time by one prompt's versions: each row's `detail` is one."""
    which = UsageFilter(since=span.since, until=span.until, prompt_id=prompt_id)
    return (await whole(tx, user_id, which, span, ["version"])).get("version", [])


def whole_query(
    which: UsageFilter,
    span: Span,
    abouts: Sequence[About],
    measures: Sequence[str] = EVERYTHING,
    top: int | None = None,
    *,
    is_named: bool = False,
) -> Query:
    """Return the query of `whole` for one of its series, and its parameters but the user."""
    params = {"top": 2**31 if top is None else top, "is_named": is_named}
    of_parts = {"abouts": list(abouts), **months(span)}
    if not is_filtered(which):
        return _ranked(_parts(measures), measures), params | of_parts
    if len(abouts) == 1 and (kept := _kept(which, abouts[0], measures)):
        about, filters, values = kept
        query = _ranked(_parts(measures, filters, abouts[0]), measures)
        return query, params | of_parts | {"abouts": [about]} | values
    columns = list(dict.fromkeys(name for about in abouts for name in OF[about][0]))
    rows, of_filter = _rows(which, (*columns, *measures), is_tag="tag" in abouts)
    known: list[About] = [about for about in OF if about in abouts]
    query = SQL["filtered"].format(
        about=_by_set(known, {about: f"'{about}'" for about in known}),
        value=_by_set(known, {about: OF[about][1] for about in known}),
        detail=_by_set(known, {about: OF[about][2] for about in known}),
        sums=_sums(measures),
        rows=rows,
        sets=", ".join(f"({', '.join(f'v.{name}' for name in OF[about][0])})" for about in known),
    )
    return _ranked(query, measures), params | moments(span) | of_filter


def _by_set(abouts: Sequence[About], values: dict[About, str]) -> str:
    """Return a value by the grouping set that a row is of; its last column tells it."""
    cases = [f"when grouping(v.{OF[a][0][-1]}) = 0 then {values[a]}" for a in abouts if OF[a][0]]
    other = f"else {values['all']}" if "all" in abouts else ""
    return f"case {' '.join(cases)} {other} end" if cases else values["all"]


def _kept(which: UsageFilter, about: About, measures: Sequence[str]) -> Kept | None:
    """Return the sums by one thing alone that say what a filter has of another, if there are."""
    given = {name for name in CLAUSES if getattr(which, name) is not None}
    by, columns, others = next((kept for kept in KEPT if given and given <= set(kept[1])), NOT_KEPT)
    if about not in others or (by not in TIMED and set(measures) & set(HISTOGRAMS)):
        return None
    values = {name: str(getattr(which, name)) for name in columns if name in given}
    return by, "".join(f" and {columns[name]} = %({name})s" for name in values), dict(values)


def _parts(measures: Sequence[str], filters: str = "", about: About | None = None) -> str:
    """Return the query of the parts of a time; as those of `about`, if that is another."""
    is_all = about == "all"
    return SQL["parts"].format(
        about="v.about" if about is None else f"'{about}'",
        value="''" if is_all else "v.value",
        detail="''" if is_all else "v.detail",
        sums=_sums(measures),
        names=", ".join(measures),
        filters=filters,
    )


def _ranked(parts: str, measures: Sequence[str]) -> str:
    return SQL["ranked"].format(
        parts=parts,
        names=", ".join(measures),
        sums=_sums(measures),
        shown=", ".join(f"r.{name}{_text(name)} as {name}" for name in measures),
    )


def stepwise_query(
    which: UsageFilter,
    span: Span,
    of: Dimension | Literal["all"],
    measures: Sequence[str] = EVERYTHING,
    own: Sequence[Key] | None = None,
) -> Query:
    """Return the query of `stepwise` and its parameters but the user."""
    about: About = "all" if of == "all" else ABOUTS[of]
    if not is_filtered(which):
        parts, params = _steps(span, about, measures)
    elif kept := _kept(which, about, measures):
        parts, params = _steps(span, kept[0], measures, kept[1])
        params |= kept[2]
    else:
        parts, params = _filtered_steps(which, span, about, measures)
    value = {"provider": "p.detail", "all": "''"}.get(of, "p.value")
    detail = "p.detail" if of in ("model", "version") else "''"
    query = SQL["steps"].format(
        parts=parts,
        value=value,
        detail=detail,
        is_own="true" if own is None else SQL["is_own"].format(value=value, detail=detail),
        names=", ".join(measures),
        sums=_sums(measures, shown=True),
    )
    if own is not None:
        params |= {"values": [value for value, _ in own], "details": [each for _, each in own]}
    return query, {"zone": span.zone, **params}


def _steps(span: Span, about: About, measures: Sequence[str], filters: str = "") -> Query:
    params, hours = days(span), list(moved(span))
    signed = ", ".join(f"s.sign * m.{name}" for name in measures)
    more = SQL["moved"].format(
        step=span.step,
        signed_names=signed,
        filters=filters,
        sums=", ".join(f"sum(h.{name}) as {name}" for name in measures),
    )
    names = ", ".join(measures)
    query = SQL["parts_by_step"].format(
        step=span.step, names=names, filters=filters, moved=more if hours else ""
    )
    return query, {"about": about, "moved": hours, **params}


def _filtered_steps(which: UsageFilter, span: Span, about: About, measures: Sequence[str]) -> Query:
    columns, value, detail = OF[about]
    rows, params = _rows(which, ("at", "status", *columns, *measures), is_tag=about == "tag")
    query = SQL["filtered_by_step"].format(
        step=span.step, value=value, detail=detail, names=", ".join(measures), rows=rows
    )
    return query, moments(span) | params


def _rows(which: UsageFilter, columns: Iterable[str], *, is_tag: bool) -> Query:
    """Return the rows of a filter; each task is in those of one tag, or of none, once."""
    text, params = clauses(which)
    if which.tag is None:
        text += " and v.tag <> ''" if is_tag else " and v.tag = ''"
    names = ", ".join(f"v.{name}" for name in dict.fromkeys(columns))
    return SQL["rows"].format(columns=names, filters=text), params


def _sums(measures: Sequence[str], *, shown: bool = False) -> str:
    """Sums of counts are numeric in PostgreSQL, and slow to read; so are histograms as numbers."""
    return ", ".join(
        f"sum(v.{name}){_text(name) if shown else ''} as {name}"
        if name not in COUNTS
        else f"sum(v.{name})::bigint as {name}"
        for name in measures
    )


def _text(name: str) -> str:
    return "::text" if name in HISTOGRAMS else ""


def merged(rows: Sequence[Row]) -> Row:
    """Return the sums of rows with everything as one; an empty row of none."""
    if not rows:
        return {}
    with localcontext(EXACT):
        found: Row = {name: sum(row[name] for row in rows) for name in PLAIN}
    found["cost"] = Usd(found["cost"])
    return found | {name: str(sum(int(row[name]) for row in rows)) for name in HISTOGRAMS}

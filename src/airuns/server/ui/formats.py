"""How numbers, times and sizes are written on pages. Unknown is an em dash, never a zero."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup, escape

UNKNOWN = "—"
SMALLEST = Decimal("0.0001")
ALMOST_ONE = Decimal("0.99995")
_marks = re.compile(r"```\w*\s?|\*\*|`|^#{1,6} |(?<= )#{2,6} |^> ")


def money(usd: Decimal | None) -> str:
    """Return USD as $0.0421, $4.87 or $1,204.00: to the cent from a dollar on, finer below it."""
    if usd is None:
        return UNKNOWN
    if usd == 0:
        return "$0.00"
    if usd < SMALLEST:
        return f"< ${SMALLEST}"
    return f"${usd:,.2f}" if usd >= ALMOST_ONE else f"${usd.quantize(SMALLEST)}"


def rate(usd: Decimal | None) -> str:
    """Return USD per million tokens as $2.50 or $0.075: to the cent, and finer only where it is."""
    if usd is None:
        return UNKNOWN
    cents = usd.quantize(Decimal("0.01"))
    return f"${cents:,.2f}" if cents == usd else f"${usd.normalize():,f}"


def tokens(number: int | None) -> str:
    """Return the size of a context, as 8 k, 128 k or 1.05 M."""
    if number is None or number < 1000:
        return count(number)
    thousands = round(number / 1000)
    return f"{thousands} k" if thousands < 1000 else f"{number / 1_000_000:.3g} M"


def count(number: int | None) -> str:
    """Return a whole number with separators, as 38,207."""
    return UNKNOWN if number is None else f"{number:,}"


def short_count(number: int | None) -> str:
    """Return a number of which the size matters, as 842, 38.2 k or 6.9 M."""
    if number is None:
        return UNKNOWN
    if number < 10_000:
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number / 1000:.1f} k"
    return f"{number / 1_000_000:,.1f} M"


def seconds(value: float | None) -> str:
    """Return a duration as 0.48 s, 9.3 s, 2 min 5 s or 1 h 4 min."""
    if value is None:
        return UNKNOWN
    whole = round(value)
    if value < 0.995:
        return f"{value:.2f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def milliseconds(value: float | None) -> str:
    """Return a duration that is given in milliseconds, as 9,302 ms."""
    return UNKNOWN if value is None else f"{value:,.0f} ms"


def size(number: int) -> str:
    """Return a number of bytes, as 512 B, 148 kB, 2.1 MB or 4.3 GB."""
    if number < 1000:
        return f"{number} B"
    if number < 1_000_000:
        return f"{number / 1000:.0f} kB"
    if number < 1_000_000_000:
        return f"{number / 1_000_000:.1f} MB"
    return f"{number / 1_000_000_000:.1f} GB"


def unmarked(text: str) -> str:
    """Return a line of markdown without the marks that a list has no use for."""
    return _marks.sub("", text)


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return the noun that goes with a number."""
    return one if number == 1 else many or f"{one}s"


def marked(text: str, words: str) -> Markup:
    """Return a text with each place where one of the words is found in `<mark>`."""
    found = [re.escape(word) for word in sorted(words.split(), key=len, reverse=True)]
    if not found:
        return escape(text)
    pieces = re.split(f"({'|'.join(found)})", text, flags=re.IGNORECASE)
    return Markup().join(
        Markup("<mark>{}</mark>").format(piece) if odd % 2 else escape(piece)
        for odd, piece in enumerate(pieces)
    )


def initials(name: str) -> str:
    """Return the letters that stand for a person: of the first and last word, or the first two."""
    words = name.split()
    return (words[0][0] + words[-1][0] if len(words) > 1 else name[:2]).upper()


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC when it is not known."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def day_of(moment: datetime, now: datetime, where: ZoneInfo) -> str:
    """Return the group of a list that a moment falls in: Today, Yesterday, Last 7 days, Older."""
    days = (now.astimezone(where).date() - moment.astimezone(where).date()).days
    if days <= 0:
        return "Today"
    return "Yesterday" if days == 1 else "Last 7 days" if days < 7 else "Older"


def ago(moment: datetime, now: datetime, where: ZoneInfo) -> str:
    """Return how long ago a moment was, in the few letters that a list has room for."""
    local, today = moment.astimezone(where), now.astimezone(where)
    minutes = int((now - moment) / timedelta(minutes=1))
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    days = (today.date() - local.date()).days
    if days == 0:
        return f"{minutes // 60} h"
    if days == 1:
        return f"{local:%H:%M}"
    if days < 7:
        return f"{local:%a}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local:%b %Y}"


def at(moment: datetime, now: datetime, where: ZoneInfo) -> str:
    """Return a moment as today, 09:12; yesterday, 18:05; Wed, 11:20; or 3 Nov 2026, 11:20."""
    local = moment.astimezone(where)
    days = (now.astimezone(where).date() - local.date()).days
    name = {0: "today", 1: "yesterday"}.get(days)
    day = name or (f"{local:%a}" if 1 < days < 7 else f"{local.day} {local:%b %Y}")
    return f"{day}, {local:%H:%M}"


@jinja2.pass_context
def time_tag(context: jinja2.runtime.Context, moment: datetime | None, style: str = "ago") -> str:
    """Return `<time>` in the reader's zone; style `ago` is kept current by js/times.js."""
    if moment is None:
        return UNKNOWN
    where: ZoneInfo = context.get("zone") or zone("UTC")
    now = datetime.now(UTC)
    text = ago(moment, now, where) if style == "ago" else at(moment, now, where)
    stamp = moment.astimezone(UTC).isoformat(timespec="seconds")
    full = moment.astimezone(where)
    title = f"{full.day} {full:%B %Y, %H:%M}"
    # Nothing here comes from outside; escaping would cost more than all of the above.
    return Markup(  # noqa: S704
        f'<time datetime="{stamp}" data-when="{style}" title="{title}">{text}</time>'
    )


FILTERS: dict[str, Any] = {
    "money": money,
    "rate": rate,
    "tokens": tokens,
    "count": count,
    "short_count": short_count,
    "seconds": seconds,
    "milliseconds": milliseconds,
    "size": size,
    "when": time_tag,
    "plural": plural,
    "unmarked": unmarked,
    "initials": initials,
    "marked": marked,
}

"""What downloads share: names in any script, and rows of CSV that are safe in a spreadsheet."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote

import msgspec

from airuns.server.money import plain

CSV_TYPE = "text/csv"
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
"""What a file of CSV begins with: Excel takes it for another encoding without."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full width too


def disposition(name: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266), with a name in any script."""
    known = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    known = re.sub(r'["\\%]', "", known).strip()
    if known.startswith(".") or not known:
        known = f"export{known if known.startswith('.') else ''}"
    return f"attachment; filename=\"{known}\"; filename*=UTF-8''{quote(name, safe='')}"


def line(cells: Sequence[Any]) -> bytes:
    """Return a row of a file of CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerow([cell(value) for value in cells])
    return out.getvalue().encode()


def cell(value: Any) -> str:
    """Return a value as a cell: unknown is empty, times ISO 8601 in UTC, numbers plain.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which
    spreadsheets do not show.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return msgspec.to_builtins(value)
        case Decimal():
            return plain(value)
        case int() | float():
            return msgspec.json.encode(value).decode()
        case list() | tuple():
            return cell(", ".join(map(str, cast("list[Any]", value))))
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(FORMULA) else text

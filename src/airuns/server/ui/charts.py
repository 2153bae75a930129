"""What a chart shows: a table, of which `_chart.html` makes a figure, and js/chart.js its shapes.

The numbers are said once, in the table behind the chart: readers, screen readers and the script
read the same cells.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Unit = Literal["usd", "count", "seconds", "percent", "rate"]
Style = Literal["s1", "s2", "s3", "s4", "s5", "rest", "bad", "late", "forecast"]

SERIES: tuple[Style, ...] = ("s1", "s2", "s3", "s4", "s5")

WIDTH = 100
HEIGHT = 28
EDGE = 2


class Column(msgspec.Struct, frozen=True):
    """A series: its name, and its colour and shape by the name of its style."""

    name: str
    style: Style


class Cell(msgspec.Struct, frozen=True):
    """A number as the chart draws it, None where there is none, and as it is written."""

    value: float | None
    text: str


class Row(msgspec.Struct, frozen=True):
    """A step of the axis: what it is called, what is written below it, and where it leads.

    `since` and `until` are what a reader chooses who draws over the steps, as in a URL.
    """

    name: str
    tick: str
    cells: Sequence[Cell]
    href: str = ""
    since: str = ""
    until: str = ""


class Chart(msgspec.Struct, frozen=True):
    """A chart of bars that stand on each other, or of lines; `first` heads the column of steps.

    `total` says that a row's sum means something and is shown.
    """

    label: str
    kind: Literal["bars", "lines"]
    unit: Unit
    first: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: Sequence[str] = ()


def spark(values: Sequence[float | None]) -> str:
    """Return the path of a small line over 100 by 28; unknown values are left out."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(0.0, *known), max(known)
    scale = (HEIGHT - 2 * EDGE) / (high - low) if high > low else 0.0
    step = WIDTH / (len(values) - 1)
    points = [
        f"{at * step:.1f} {HEIGHT - EDGE - (value - low) * scale:.1f}"
        for at, value in enumerate(values)
        if value is not None
    ]
    return "M" + "L".join(points)

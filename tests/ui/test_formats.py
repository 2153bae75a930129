"""How numbers and times are written for people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from airuns.server.ui import formats

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
BERLIN = formats.zone("Europe/Berlin")
UTC_ZONE = formats.zone("UTC")


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "—"),
        (Decimal(0), "$0.00"),
        (Decimal("0.000001"), "< $0.0001"),
        (Decimal("0.00016"), "$0.0002"),
        (Decimal("0.0177"), "$0.0177"),
        (Decimal("0.99996"), "$1.00"),
        (Decimal("4.871"), "$4.87"),
        (Decimal("1204"), "$1,204.00"),
        (Decimal("0.99995"), "$1.00"),
        (Decimal("9e30"), f"${9 * 10**30:,}.00"),
    ],
)
def test_money_is_exact_enough_and_unknown_is_not_zero(usd: Decimal | None, text: str) -> None:
    assert formats.money(usd) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "—"), (0, "0"), (9999, "9,999"), (38207, "38.2 k"), (6_912_000, "6.9 M")],
)
def test_big_numbers_are_shortened(number: int | None, text: str) -> None:
    assert formats.short_count(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0, "0.00 s"),
        (0.484, "0.48 s"),
        (0.999, "1.0 s"),
        (9.3, "9.3 s"),
        (59.97, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3840, "1 h 4 min"),
    ],
)
def test_durations_have_their_unit(value: float | None, text: str) -> None:
    assert formats.seconds(value) == text


@pytest.mark.parametrize(
    ("back", "text"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(seconds=-20), "now"),
        (timedelta(minutes=24), "24 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=16), "17:41"),
        (timedelta(days=3), "Wed"),
        (timedelta(days=20), "1 Nov"),
        (timedelta(days=400), "Oct 2025"),
    ],
)
def test_times_are_told_as_a_list_has_room_for(back: timedelta, text: str) -> None:
    assert formats.ago(NOW - back, NOW, UTC_ZONE) == text


def test_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert formats.day_of(late, NOW, UTC_ZONE) == "Yesterday"
    assert formats.day_of(late, NOW, BERLIN) == "Today"
    assert formats.at(late, NOW, BERLIN) == "today, 00:30"


def test_an_unknown_zone_is_utc() -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", "", "a" * 300):
        assert formats.zone(name).key == "UTC"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("## 4.2 **Resuming.** Close the page", "4.2 Resuming. Close the page"),
        ('```json {"a": 1}', '{"a": 1}'),
        ("Fix flaky `test_reconnect_resumes` on C#", "Fix flaky test_reconnect_resumes on C#"),
        ("> quoted, 3 > 2 and 2 * 3 * 4", "quoted, 3 > 2 and 2 * 3 * 4"),
    ],
)
def test_lists_show_words_and_not_marks(text: str, plain: str) -> None:
    assert formats.unmarked(text) == plain

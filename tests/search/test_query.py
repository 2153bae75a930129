"""What is typed into a search: read, written, shown as chips."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.search.query import LONGEST, Filter, Query, Term, days_of, parse

TYPED = st.text(alphabet='ab- "*:\\<>.1é\n', max_size=30) | st.lists(
    st.sampled_from(
        ["tag:", "-", '"', "a", "is:starred", "cost:>1", "\\", " ", "*", "on:2026", "x:", ':"b c"']
    ),
    max_size=8,
).map("".join)


@given(TYPED)
def test_a_query_that_was_read_reads_the_same_when_written(text: str) -> None:
    query = parse(text)
    assert parse(str(query)).items == query.items


@given(TYPED)
def test_a_chip_leads_to_the_query_without_it(text: str) -> None:
    query = parse(text)
    for at, chip in enumerate(query.chips):
        assert parse(chip.without).items == query.items[:at] + query.items[at + 1 :]


def test_everything_there_is() -> None:
    query = parse('due -draft "as  agreed" proj* model:gpt-4o -tag:"to do" cost:>=0.1 IS:Starred')
    assert query == Query(
        (
            Term("word", "due"),
            Term("word", "draft", is_not=True),
            Term("phrase", "as agreed"),
            Term("prefix", "proj"),
            Filter("model", "gpt-4o"),
            Filter("tag", "to do", is_not=True),
            Filter("cost", "0.1", op=">="),
            Filter("is", "starred"),
        )
    )
    assert query.chips[5].label == "to do"
    assert (query.chips[5].kind, query.chips[5].is_not) == ("tag", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cost:cheap", "cost: takes US dollars"),
        ("status:fine", "status: takes pending, completed"),
        ("after:tomorrow", "after: takes a date"),
        ("before:2026-13-01", "before: takes a date"),
        ("modle:gpt", "modle: is not a filter"),
        ("x" * (LONGEST + 1), "Only the first 500 characters"),
        ("a " * 50, "Only the first 40 words"),
    ],
)
def test_what_is_not_understood_is_said(text: str, said: str) -> None:
    [notice] = parse(text).notices
    assert said in notice


@pytest.mark.parametrize("text", ["std::vector", "https://example.org/a?b=c", "12:30", "model:"])
def test_what_only_looks_like_a_filter_is_text(text: str) -> None:
    assert parse(text) == Query((Term("word", text),))


def test_the_last_word_may_be_a_beginning_while_typing() -> None:
    assert parse("big hou", is_typing=True).items[-1] == Term("prefix", "hou")
    assert parse("big hou ", is_typing=True).items[-1] == Term("word", "hou")
    assert parse('"big hou"', is_typing=True).items[-1] == Term("phrase", "big hou")


@pytest.mark.parametrize(
    ("said", "first", "after"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-2-28", date(2026, 2, 28), date(2026, 3, 1)),
        ("today", date(2026, 3, 10), date(2026, 3, 11)),
        ("yesterday", date(2026, 3, 9), date(2026, 3, 10)),
        ("2w", date(2026, 2, 24), date(2026, 2, 25)),
    ],
)
def test_days(said: str, first: date, after: date) -> None:
    assert days_of(said, date(2026, 3, 10)) == (first, after)

"""Words of texts in many scripts, and where they stand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.search import words
from airuns.server.search.words import LONGEST, PART_WORDS, composed, fold, vectors


def lexemes(text: str) -> list[str]:
    return [each.lexeme for each in words.words(composed(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The CAFÉ's menü", ["the", "cafe", "s", "menu"]),
        ("getUserName", ["get", "user", "name", "getusername"]),
        ("get_user_name", ["get", "user", "name", "getusername"]),
        ("HTTPServer gpt4 gpt-4", ["http", "server", "httpserver", "gpt", "4", "gpt4", "gpt", "4"]),
        ("a.b/c 3.14", ["a", "b", "c", "3", "14"]),
        ("C++ and C#", ["c", "c++", "and", "c", "c#"]),
        ("018f6b1e9a", ["018f6b1e9a"]),
        ("straße İstanbul Ёлка Łódź", ["strasse", "istanbul", "елка", "lodz"]),
        ("مُحَمَّد أحمد كتـــاب", ["محمد", "احمد", "کتاب"]),
        ("हिन्दी ١٢٣", ["हिन्दी", "123"]),
        ("東京都庁", ["東京", "京都", "都庁", "庁"]),
        ("ラーメン ﾗｰﾒﾝ らーめん", ["らー", "ーめ", "めん", "ん"] * 3),
        ("ｶﾞ", ["が"]),
        ("用Python写", ["用", "python", "写"]),
        ("학교", ["학교", "교"]),
        ("ไทย", ["ไท", "ทย", "ย"]),
        ("ﬁne ＡＢＣ", ["fine", "abc"]),
        ("go🚀now", ["go", "🚀", "now"]),
        ("__ -- ×÷ …", []),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert lexemes(text) == expected


def test_words_know_where_they_stand() -> None:
    text = "Über getUserName 東京都"
    found = {each.lexeme: text[each.start : each.end] for each in words.words(composed(text))}
    assert found == {
        "uber": "Über",
        "get": "get",
        "user": "User",
        "name": "Name",
        "getusername": "getUserName",
        "東京": "東京",
        "京都": "京都",
        "都": "都",
    }


@given(st.text(max_size=200))
def test_what_is_indexed_is_what_is_found_in_the_text(text: str) -> None:
    [vector] = vectors(text, "owl00")
    indexed = [entry.removeprefix("owl00").rpartition(":") for entry in vector.split(" ") if entry]
    found = [(each.lexeme, each.place + 1) for each in words.words(composed(text))]
    assert [(lexeme, int(place)) for lexeme, _, place in indexed] == found
    assert all(len(lexeme) <= LONGEST + 2 for lexeme, _ in found)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    for each in words.words(composed(text)):
        assert fold(each.lexeme) == each.lexeme or each.lexeme.endswith(("+", "#"))


def test_a_long_text_has_several_parts_that_overlap() -> None:
    parts = vectors(" ".join(f"w{number}" for number in range(3 * PART_WORDS)), "owl00")
    assert len(parts) == 7  # w1 is w and 1, which are two places
    for part, following in pairwise(parts):
        first = following.split(" ")[2].partition(":")[0]
        assert f"{first}:" in part
    assert all(int(part.rpartition(":")[2]) <= PART_WORDS + 600 for part in parts)

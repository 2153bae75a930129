"""What differs between two versions, by message, line and word."""

from airuns.server.prompts.pages.differences import Line, Titled, lines, sections


def shown(line: Line) -> str:
    """Write a line as `+ text`, with [marked] words."""
    sign = {"same": "  ", "added": "+ ", "removed": "- ", "skipped": f"({line.number}) "}
    texts = (f"[{piece.text}]" if piece.is_marked else piece.text for piece in line.pieces)
    return sign[line.kind] + "".join(texts)


def compared(old: str, new: str) -> list[str]:
    return [shown(line) for line in lines(old, new)]


def test_equal_texts_have_no_lines() -> None:
    assert compared("a\nb", "a\nb") == []


def test_words_that_differ_are_marked_in_lines_that_are_alike() -> None:
    assert compared("Be kind and short.", "Be kind and brief.") == [
        "- Be kind and [short].",
        "+ Be kind and [brief].",
    ]


def test_lines_that_share_little_are_not_taken_for_one() -> None:
    assert compared("Be kind.", "日本語で答えて") == ["- Be kind.", "+ 日本語で答えて"]


def test_lines_have_the_number_of_their_own_version() -> None:
    found = lines("a\nb\nc", "a\nc\nd")
    assert [(line.kind, line.number) for line in found] == [
        ("same", 1),
        ("removed", 2),
        ("same", 2),
        ("added", 3),
    ]


def test_what_is_far_from_a_change_is_skipped_and_counted() -> None:
    old = "\n".join(map(str, range(20)))
    assert compared(old, old.replace("10", "ten")) == [
        "(7) ",
        *("  7", "  8", "  9"),
        "- 10",
        "+ ten",
        *("  11", "  12", "  13"),
    ]


def test_a_text_that_comes_or_goes_is_all_new_or_all_gone() -> None:
    assert compared("", "a\n") == ["+ a", "+ "]
    assert compared("a", "") == ["- a"]


def test_a_line_too_long_for_words_is_compared_as_a_whole() -> None:
    assert compared("a " * 1001, "a " * 1000) == ["- " + "a " * 1001, "+ " + "a " * 1000]


def test_a_message_put_in_between_is_the_only_one_that_differs() -> None:
    old = [Titled("System", "Be kind."), Titled("User", "Hi")]
    [section] = sections(old, [old[0], Titled("Assistant", "Yes?"), old[1]])
    assert (section.title, section.note) == ("Assistant", "added")
    assert [shown(line) for line in section.lines] == ["+ Yes?"]


def test_a_message_that_changed_its_role_says_which_it_had() -> None:
    [section] = sections([Titled("System", "Hi")], [Titled("User", "Hi")])
    assert (section.title, section.note, section.lines) == ("User", "was System", [])


def test_a_message_that_went_is_shown_as_removed() -> None:
    old = [Titled("User", "Hi"), Titled("Assistant", "Yes?")]
    [section] = sections(old, old[:1])
    assert (section.title, section.note) == ("Assistant", "removed")

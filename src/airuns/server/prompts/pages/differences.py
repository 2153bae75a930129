"""What differs between two versions: by message, by line, and by word within a line."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec

CONTEXT = 3
LIKE = 0.4  # lines that share less are two lines, and not one that was changed
LONGEST = 2000  # characters of a line that is compared by words

Kind = Literal["same", "added", "removed", "skipped"]

_word = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(msgspec.Struct, frozen=True):
    """A part of a line, marked when the other line does not have it."""

    text: str
    is_marked: bool = False


class Line(msgspec.Struct, frozen=True):
    """A line of one version or of both; of skipped ones `number` is how many they are."""

    kind: Kind
    number: int
    pieces: list[Piece] = []


class Section(msgspec.Struct, frozen=True):
    """A message, the variables or the settings, with its lines; without any nothing differs."""

    title: str
    lines: list[Line]
    note: str = ""


class Titled(msgspec.Struct, frozen=True):
    """A text under a title, as one version has it."""

    title: str
    text: str


def sections(old: Sequence[Titled], new: Sequence[Titled]) -> list[Section]:
    """Return what differs between two lists of texts, each beside the one that it was."""
    found: list[Section] = []
    matcher = SequenceMatcher(None, list(old), list(new), autojunk=False)
    for operation, a, a_end, b, b_end in matcher.get_opcodes():
        if operation == "equal":
            continue
        both = min(a_end - a, b_end - b)
        for before, after in zip(old[a : a + both], new[b : b + both], strict=True):
            note = "" if before.title == after.title else f"was {before.title}"
            found.append(Section(after.title, lines(before.text, after.text), note))
        found += [
            Section(one.title, lines(one.text, ""), "removed") for one in old[a + both : a_end]
        ]
        found += [Section(one.title, lines("", one.text), "added") for one in new[b + both : b_end]]
    return found


def lines(old: str, new: str) -> list[Line]:
    """Return the lines that differ, each with what is around it; none when nothing does."""
    if old == new:
        return []
    before, after = old.split("\n") if old else [], new.split("\n") if new else []
    found: list[Line] = []
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT):
        first = group[0][3]
        passed = max((line.number for line in found if line.kind in ("same", "added")), default=0)
        if first > passed:
            found.append(Line("skipped", first - passed))
        for operation, a, a_end, b, b_end in group:
            if operation == "equal":
                found += [_line("same", at, after) for at in range(b, b_end)]
            else:
                found += _changed(before, range(a, a_end), after, range(b, b_end))
    return found


def _line(kind: Kind, at: int, of: list[str]) -> Line:
    return Line(kind, at + 1, [Piece(of[at])])


def _changed(before: list[str], olds: range, after: list[str], news: range) -> list[Line]:
    """Return the removed and then the added lines; those that are alike with their words marked."""
    removed = {a: [Piece(before[a])] for a in olds}
    added = {b: [Piece(after[b])] for b in news}
    for a, b in zip(olds, news, strict=False):
        if pair := _words(before[a], after[b]):
            removed[a], added[b] = pair
    return [
        *(Line("removed", a + 1, pieces) for a, pieces in removed.items()),
        *(Line("added", b + 1, pieces) for b, pieces in added.items()),
    ]


def _words(old: str, new: str) -> tuple[list[Piece], list[Piece]] | None:
    """Return both lines, marking words that the other lacks; None when they are not alike."""
    if max(len(old), len(new)) > LONGEST:
        return None
    before, after = _word.findall(old), _word.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < LIKE:
        return None
    olds: list[Piece] = []
    news: list[Piece] = []
    for operation, a, a_end, b, b_end in matcher.get_opcodes():
        is_marked = operation != "equal"
        olds += [Piece("".join(before[a:a_end]), is_marked)] if a_end > a else []
        news += [Piece("".join(after[b:b_end]), is_marked)] if b_end > b else []
    return olds, news

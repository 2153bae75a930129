"""A query as PostgreSQL asks for it, and as it is found again in a text, for showing."""

from collections.abc import Iterable
from itertools import product

import msgspec

from airuns.server.search import words
from airuns.server.search.query import Query, Term
from airuns.server.search.words import Word

SNIPPET = 220
BEFORE = 60
NEAR = 18
WINDOW = 20_000
MOST_HITS = 200
PREFIX = "§"
TELLING = 3
MOST_WANTED = 16


class Piece(msgspec.Struct, frozen=True):
    """A piece of a text, as it stands there, and whether it is what was searched for."""

    text: str
    is_hit: bool


class Templates(msgspec.Struct, frozen=True):
    """A query as tsquery, with § for a bucket's prefix.

    `ranking` has what a match is ranked by, `wanted` what its bucket must have: a word of each.
    """

    matching: str
    ranking: str
    wanted: list[str]


class Step(msgspec.Struct, frozen=True):
    """One word of a row of words: its lexeme, or what that begins with, and its place."""

    lexeme: str
    place: int
    is_prefix: bool

    def __str__(self) -> str:
        return f"'{PREFIX}{self.lexeme}'{':*' * self.is_prefix}"

    @property
    def is_telling(self) -> bool:
        """Whether few words are it: many begin with a letter or two."""
        return not self.is_prefix or len(self.lexeme) >= TELLING or _is_paired(self.lexeme)


class Needle(msgspec.Struct, frozen=True):
    """What a term looks for: any of some rows of words."""

    rows: list[list[Step]]

    @property
    def tsquery(self) -> str:
        return "(" + " | ".join(map(_in_a_row, self.rows)) + ")"

    @property
    def wanted(self) -> list[str]:
        """What has to be there, places aside: one of the words of each."""
        ways = [dict.fromkeys(each) for each in product(*self.rows)]
        return [" | ".join(map(str, way)) for way in ways if all(s.is_telling for s in way)]


def _in_a_row(steps: list[Step]) -> str:
    first, *others = steps
    text, place = str(first), first.place
    for step in others:
        text += f" <{step.place - place}> {step}"
        place = step.place
    return f"({text})" if others else text


def needle(term: Term) -> Needle | None:
    """Return what a term looks for; None when it has nothing that is indexed."""
    found = list(words.words(words.composed(term.text)))
    in_row = [each for each in found if not each.is_whole and not each.is_last]
    if not in_row:
        return None
    is_prefix = term.kind == "prefix"
    steps = [
        Step(each.lexeme, each.place, (is_prefix and at == len(in_row)) or _is_single(each))
        for at, each in enumerate(in_row, 1)
    ]
    wholes = [each for each in found if each.is_whole]
    is_one = wholes and wholes[0].start == in_row[0].start and wholes[0].end >= in_row[-1].end
    if term.kind == "phrase" or not is_one:
        return Needle([steps])
    whole = [Step(wholes[0].lexeme, 0, is_prefix)]
    if wholes[0].lexeme.endswith(("+", "#")):  # C++ is not C
        return Needle([whole])
    return Needle([whole, steps])


def _is_paired(lexeme: str) -> bool:
    return words.is_paired(lexeme[0])


def _is_single(word: Word) -> bool:
    """Say whether it is one character of a script in pairs, with which any pair may begin."""
    return len(word.lexeme) == 1 and _is_paired(word.lexeme)


def needles(query: Query) -> list[Needle]:
    """Return what the terms look for that have to be there."""
    wanted = (needle(term) for term in query.terms if not term.is_not)
    return [each for each in wanted if each is not None]


def templates(query: Query) -> Templates | None:
    """Return a query's templates; None when there is nothing to look for."""
    searched = needles(query)
    if not searched:
        return None
    found = [each.tsquery for each in searched]
    unwanted = [needle(term) for term in query.terms if term.is_not]
    roles = [each for each in query.filters if each.key == "role"]
    matching = [
        *found,
        *(f"!{each.tsquery}" for each in unwanted if each is not None),
        *(f"{'!' * each.is_not}'{PREFIX}={each.value}'" for each in roles),
    ]
    wanted = dict.fromkeys(each for one in searched for each in one.wanted)
    return Templates(" & ".join(matching), " & ".join(found), list(wanted)[:MOST_WANTED])


def pieces(text: str, wanted: list[Needle]) -> list[Piece]:
    """Return a whole text in pieces; what is searched for is marked."""
    text = words.composed(text)
    return _cut(text, 0, len(text), merged(_hits(text, wanted)))


def snippet(text: str, wanted: list[Needle]) -> list[Piece]:
    """Return the part of a text that has the most of what is searched for, in pieces.

    It has about SNIPPET characters; where it leaves something out it has an ellipsis.
    """
    text = words.composed(text)
    for begin in range(0, max(len(text), 1), WINDOW - SNIPPET):
        window = text[begin : begin + WINDOW]
        hits = _hits(window, wanted)
        if hits:
            start, end = _around(window, hits)
            cut = _cut(window, start, end, merged(hits))
            return _with_ellipses(cut, begin + start > 0, begin + end < len(text))
    end = _word_end(text, min(SNIPPET, len(text)))
    return _with_ellipses([Piece(text[:end], False)], False, end < len(text))


def nearer(found: list[Piece]) -> list[Piece]:
    """Return a snippet for a single line: with few characters before what was searched for."""
    first, *others = found or [Piece("", False)]
    if not others or first.is_hit:
        return found
    if first.text == "… ":
        first, *others = others
    if first.is_hit or len(first.text) <= NEAR:
        return [Piece("… ", False), first, *others] if len(others) + 1 < len(found) else found
    cut = first.text[-NEAR:]
    _, space, after = cut.partition(" ")
    return [Piece(f"… {after if space else cut}", False), *others]


Hit = tuple[int, int, int]
"""Where a hit starts and ends, and which of the needles it is."""


def _hits(text: str, wanted: list[Needle]) -> list[Hit]:
    places: dict[int, list[Word]] = {}
    for word in words.words(text):
        places.setdefault(word.place, []).append(word)
    hits: list[Hit] = []
    for place in places:
        for number, each in enumerate(wanted):
            for row in each.rows:
                hits += [(start, end, number) for start, end in _at(place, row, places)]
        if len(hits) > MOST_HITS:
            break
    return sorted(hits)


def _at(place: int, row: list[Step], places: dict[int, list[Word]]) -> list[tuple[int, int]]:
    """Return where the words of a row are that begins at a place; nothing when it is not there."""
    found: list[tuple[int, int]] = []
    for step in row:
        there = places.get(place + step.place - row[0].place, ())
        word = next((each for each in there if _is(step, each)), None)
        if word is None:
            return []
        found.append((word.start, word.start + 1 if _is_half(step, word) else word.end))
    return found


def _is_half(step: Step, word: Word) -> bool:
    """Say whether one character was looked for and a pair has it."""
    return len(step.lexeme) == 1 < len(word.lexeme) and words.is_paired(step.lexeme)


def _is(step: Step, word: Word) -> bool:
    if step.is_prefix:
        return word.lexeme.startswith(step.lexeme)
    return word.lexeme == step.lexeme


def merged(hits: Iterable[Hit]) -> list[tuple[int, int]]:
    """Return where something is marked: hits that touch or overlap are one."""
    spans: list[tuple[int, int]] = []
    for start, end, _ in sorted(hits):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _around(text: str, hits: list[Hit]) -> tuple[int, int]:
    """Return the part of a text with the most different needles; of equal ones the first."""

    def kinds(at: int) -> int:
        return len({each for start, _, each in hits if at <= start < at + SNIPPET - BEFORE})

    best = max((start for start, _, _ in hits), key=lambda at: (kinds(at), -at))
    start = max(0, best - BEFORE)
    if start:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else start
    return start, _word_end(text, min(len(text), start + SNIPPET))


def _word_end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, end - 30), end)
    return space if space > 0 else end


def _cut(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> list[Piece]:
    found: list[Piece] = []
    at = start
    for begin, stop in spans:
        begin, stop = max(begin, at), min(stop, end)
        if begin >= stop:
            continue
        if begin > at:
            found.append(Piece(text[at:begin], False))
        found.append(Piece(text[begin:stop], True))
        at = stop
    if at < end:
        found.append(Piece(text[at:end], False))
    return found


def _with_ellipses(cut: list[Piece], before: bool, after: bool) -> list[Piece]:
    return [
        *([Piece("… ", False)] if before else []),
        *cut,
        *([Piece(" …", False)] if after else []),
    ]

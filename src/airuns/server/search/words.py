"""Makes words of a text in any script, for the index and for finding them again in the text.

A text is cut where neither letters, digits nor marks are. Each piece gives lexemes at places:

- an identifier its parts, one place each, and the whole at the place of the first: `getUserName`
  and `get_user_name` are get, user, name and getusername; `gpt4` is gpt, 4 and gpt4;
- Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese, which do not part their words, each two
  neighbouring characters, and the last alone;
- an emoji itself.

Lexemes are folded: NFKC, case, accents, Arabic vowel signs and variants, katakana to hiragana,
digits of any script. Nothing of it depends on a language.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

LONGEST = 40
MOST_PARTS = 8
MOST_NUMBERS = 2
PART_WORDS = 2000
PART_OVERLAP = 16
REMEMBERED = 100_000
SHOWN = 20_000
"""Pieces that are kept for results, with their offsets; the index needs fewer words of each."""

_PAIRED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"
    "\u3041-\u3096\u3099-\u309f\u30a1-\u30ff\u3100-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\uffa0-\uffdc\U00020000-\U0003ffff"
)
_EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"
_ASCII = re.compile(r"[A-Za-z0-9_]{1,512}(?:\+\+|#(?!\w))?")
# What is surely between words. What is left is looked at more closely, once for equal pieces.
_ROUGHLY = re.compile(
    r"[^\0-\x2f:-@\[-^`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\u2000-\u206f\u2500-\u25ff\u3000-\u3004"
    r"\u3008-\u3020\u3030\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]{1,512}"
    r"(?:\+\+|#(?!\w))?"
)
_PLAIN_PAIRS = re.compile("[\u3005\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3]+")
_RUNS = re.compile(f"[{_PAIRED}]+|[^{_PAIRED}]+")
_PAIRS = re.compile(f"[{_PAIRED}]")
_CLUSTER = re.compile("[^\u3099\u309a\uff9e\uff9f][\u3099\u309a\uff9e\uff9f]*|.")
_PARTS = re.compile("U+(?!l)|U?l+|d+")  # on the kinds of a piece's characters
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\u0640]"
)
_ALIKE = str.maketrans(
    dict(zip("øłđðħıŧ", "olddhit", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th"}
    | dict(zip("ةىيك", "هییک", strict=True))
    | {chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)}
)


class Word(NamedTuple):
    """A lexeme of a text: its place among the words, and where it stands in the text."""

    lexeme: str
    place: int
    start: int
    end: int
    is_whole: bool = False
    is_last: bool = False  # a single character that ends a piece which gives pairs


class _Piece(NamedTuple):
    """What a piece of a text gives: (lexeme, place, start, end, is_whole, is_last), from 0 on."""

    words: tuple[tuple[str, int, int, int, bool, bool], ...]
    places: int


def composed(text: str) -> str:
    """Return a text in the form whose offsets `words` gives: NFC, which looks the same."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words(text: str) -> Iterator[Word]:
    """Yield the words of a composed text with their places and offsets."""
    place = 0
    for found in _scanner(text).finditer(text):
        start = found.start()
        piece = _piece(found[0])
        for lexeme, at, begin, end, is_whole, is_last in piece.words:
            yield Word(lexeme, place + at, start + begin, start + end, is_whole, is_last)
        place += piece.places


def is_paired(character: str) -> bool:
    """Say whether a character is of a script whose neighbouring characters are indexed in pairs."""
    return bool(_PAIRS.match(character))


def vectors(text: str, prefix: str, weight: str = "") -> list[str]:
    """Return the tsvectors of a text, whose lexemes begin with `prefix`.

    A long text gives several, since one holds few places and at most 1 MB; a few words are in both
    neighbours, so that a phrase is not cut.
    """
    text = composed(text)
    parts: list[str] = []
    entries: list[str] = []
    ending: list[str] = []
    place = 1
    for token in _scanner(text).findall(text):
        found, places = _REMEMBERED.get(token) or _indexed(token)
        for lexeme, at in found:
            entries.append(f"{prefix}{lexeme}:{place + at}{weight}")
        place += places
        if place > PART_WORDS - PART_OVERLAP:
            ending.append(token)
            if place > PART_WORDS:
                parts.append(" ".join(entries))
                entries, place = _entries(ending, prefix, weight)
                ending = []
    if entries or not parts:
        parts.append(" ".join(entries))
    return parts


def _entries(tokens: list[str], prefix: str, weight: str) -> tuple[list[str], int]:
    """Return the entries of the pieces with which a part begins, and the place that follows."""
    entries: list[str] = []
    place = 1
    for token in tokens:
        found, places = _indexed(token)
        entries += [f"{prefix}{lexeme}:{place + at}{weight}" for lexeme, at in found]
        place += places
    return entries, place


class _Indexed(NamedTuple):
    words: tuple[tuple[str, int], ...]
    places: int


def _scanner(text: str) -> re.Pattern[str]:
    return _ASCII if text.isascii() else _ROUGHLY


@cache
def _any_script() -> re.Pattern[str]:
    """Return what finds pieces in any script. `\\w` has no marks, which are vowels in some."""
    marks = (chr(code) for code in range(0x300, sys.maxunicode + 1) if _is_mark(code))
    return re.compile(rf"[\w{''.join(marks)}]{{1,512}}(?:\+\+|#(?!\w))?|[{_EMOJI}]")


def _is_mark(code: int) -> bool:
    return code < 0x20000 and unicodedata.category(chr(code)) in ("Mn", "Mc")


def _indexed(token: str) -> _Indexed:
    if _PLAIN_PAIRS.fullmatch(token):  # as _pairs() gives them
        folded = token.translate(_ALIKE)
        return _Indexed(tuple((folded[at : at + 2], at) for at in range(len(folded))), len(folded))
    found = _REMEMBERED.get(token)
    if found is None:
        piece = _piece(token)
        found = _Indexed(tuple((each[0], each[1]) for each in piece.words), piece.places)
        if len(token) <= LONGEST:
            if len(_REMEMBERED) >= REMEMBERED:
                _REMEMBERED.clear()
            _REMEMBERED[token] = found
    return found


_REMEMBERED: dict[str, _Indexed] = {}


@lru_cache(maxsize=SHOWN)
def _piece(token: str) -> _Piece:
    if token.isascii():
        return _identifier(token)
    given: list[tuple[str, int, int, int, bool, bool]] = []
    places = 0
    for found in _any_script().finditer(token):
        for run in _RUNS.finditer(found[0]):
            piece = _pairs(run[0]) if _PAIRS.match(run[0]) else _identifier(run[0])
            start = found.start() + run.start()
            given += [
                (lexeme, places + at, start + begin, start + end, is_whole, is_last)
                for lexeme, at, begin, end, is_whole, is_last in piece.words
            ]
            places += piece.places
    return _Piece(tuple(given), places)


def _pairs(run: str) -> _Piece:
    """Return each two neighbouring characters of a piece, and the last alone."""
    characters = [
        (character, found.start(), found.end())
        for found in _CLUSTER.finditer(run)
        for character in fold(found[0])
    ]
    last = len(characters) - 1
    pairs = [
        (
            "".join(character for character, _, _ in characters[at : at + 2]),
            at,
            begin,
            characters[min(at + 1, last)][2],
            False,
            at == last and last > 0,
        )
        for at, (_, begin, _) in enumerate(characters)
    ]
    return _Piece(tuple(pairs), len(pairs))


def _identifier(token: str) -> _Piece:
    """Return the parts of a piece, and the whole where it has several."""
    bare = token.rstrip("+#")
    kinds = "".join(map(_kind, bare))
    spans = [part.span() for part in _PARTS.finditer(kinds)]
    found = [(fold(bare[start:end]), start, end) for start, end in spans]
    parts = [each for each in found if each[0]]
    if not parts:
        return _Piece((), 0)
    whole = "".join(lexeme for lexeme, _, _ in parts)[:LONGEST] + token[len(bare) :]
    numbers = sum(kinds[start] == "d" for _, start, _ in parts)
    if len(parts) > MOST_PARTS or numbers > MOST_NUMBERS:  # a hash, or other noise
        return _Piece(((whole, 0, 0, len(token), False, False),), 1)
    given = [
        (lexeme[:LONGEST], at, begin, end, False, False)
        for at, (lexeme, begin, end) in enumerate(parts)
    ]
    if len(parts) > 1 or len(bare) < len(token):
        given.append((whole, 0, 0, len(token), True, False))
    return _Piece(tuple(given), len(parts))


def _kind(character: str) -> str:
    if character == "_":
        return "_"
    return "d" if character.isdecimal() else "U" if character.isupper() else "l"


@lru_cache(maxsize=REMEMBERED)
def fold(text: str) -> str:
    """Return a piece of a text as it is compared: case, accents and variants are gone."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFD", text)).translate(_ALIKE)
    text = unicodedata.normalize("NFC", text)
    kept = (each for each in text if each.isalnum() or _is_mark_or_emoji(each))
    return "".join(_digit(each) for each in kept)


def _is_mark_or_emoji(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "So")


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character

"""Texts that look real: words of several languages, as often as words are in real texts (Zipf).

A language is one long text, drawn once; a message is a piece of it that begins anywhere. So texts
hardly ever repeat, and cost a few microseconds each.
"""

import random
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate

import msgspec

COMMON = "database"
PHRASE = "connection pool"
CHINESE = "数据库"
LENGTH = 60_000
EXPONENT = 1.05
"""Of Zipf's law: the word of rank r is as often as 1 / (r + 2.7)^EXPONENT (Mandelbrot's form)."""

_SYLLABLES = [a + b for a in "bdfghjklmnprstvwxyz" for b in "aeiou"]
_RARE = len(_SYLLABLES) ** 4
_STEP = 40_503_011
"""Has no divisor in common with _RARE, so that it takes each number to another one."""

_CODE = (
    "```python\ndef {verb}_{name}(limit={number}):\n    return {verb}{noun}{part}(limit)\n```",
    "```js\nexport const {verb}{noun}{part} = ({{ limit = {number} }}) => api.{verb}(limit);\n```",
    "```sql\nselect {name}, count(*) from {noun}_{part} where {name} > {number} group by 1;\n```",
)
_VERBS = ("load", "fetch", "parse", "merge", "retry", "flush", "render", "index")
_NOUNS = ("User", "Invoice", "Session", "Report", "Shard", "Token", "Ledger")
_PARTS = ("Profile", "Batch", "Cache", "Header", "Window", "Summary", "Queue")
_NAMES = ("max_retry_count", "last_seen_at", "row_limit", "api_base_url")


def rare_word(number: int) -> str:
    """Return a word of four syllables like no other: one for each number below 81 million."""
    rest = (number + 1) * _STEP % _RARE
    syllables: list[str] = []
    for _ in range(4):
        rest, at = divmod(rest, len(_SYLLABLES))
        syllables.append(_SYLLABLES[at])
    return "".join(syllables)


class _Language(msgspec.Struct, frozen=True):
    share: float
    words: str
    stems: str
    endings: str
    space: str
    comma: str
    stop: str


class Text(msgspec.Struct, frozen=True):
    """A long text of a language, in pieces: a word each, with what comes after it."""

    pieces: list[str]

    def some(self, rng: random.Random, words: int) -> str:
        """Return a text of so many words."""
        at = int(rng.random() * (len(self.pieces) - words))
        text = "".join(self.pieces[at : at + words]).rstrip(" \n,،、，")
        return text[:1].upper() + text[1:]


class Texts:
    """The texts of all languages, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"texts {seed}")  # noqa: S311
        table = tomllib.loads(files(__package__ or "").joinpath("vocabulary.toml").read_text())
        languages = msgspec.convert(list(table.values()), list[_Language])
        self._texts = [_drawn(rng, each) for each in languages]
        self.english = self._texts[0]
        self._shares = list(accumulate(each.share for each in languages))

    def language(self, rng: random.Random) -> Text:
        """Choose a language, English mostly."""
        return rng.choices(self._texts, cum_weights=self._shares)[0]


def code(rng: random.Random) -> str:
    """Return a few lines of code, with names in camelCase and in snake_case."""
    return rng.choice(_CODE).format(
        verb=rng.choice(_VERBS),
        noun=rng.choice(_NOUNS),
        part=rng.choice(_PARTS),
        name=rng.choice(_NAMES),
        number=rng.randrange(1, 5000),
    )


def _drawn(rng: random.Random, language: _Language) -> Text:
    words = _vocabulary(rng, language)
    ranks = range(1, len(words) + 1)
    weights = list(accumulate((rank + 2.7) ** -EXPONENT for rank in ranks))
    drawn = rng.choices(words, cum_weights=weights, k=LENGTH)
    return Text(_punctuated(rng, language, drawn))


def _vocabulary(rng: random.Random, language: _Language) -> list[str]:
    """Return words by rank: those that every text has, then the subjects', then their forms."""
    stems = language.stems.split()
    forms = [stem + ending for stem in stems for ending in language.endings.split()]
    rng.shuffle(stems)
    rng.shuffle(forms)
    words = [word.replace("~", " ") for word in language.words.split()]
    return list(dict.fromkeys([*words, *stems, *forms]))


def _punctuated(rng: random.Random, language: _Language, words: Sequence[str]) -> list[str]:
    """End sentences and paragraphs; begin sentences with a capital letter."""
    pieces: list[str] = []
    begins = True
    for word in words:
        chance = rng.random()
        text = word[:1].upper() + word[1:] if begins else word
        begins = chance < 0.085
        if chance < 0.012:
            pieces.append(f"{text}{language.stop.rstrip()}\n\n")
        elif begins:
            pieces.append(text + language.stop)
        else:
            pieces.append(text + (language.comma if chance < 0.14 else language.space))
    return pieces

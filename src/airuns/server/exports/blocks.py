"""Markdown as a tree of blocks, for the typesetter: data and never markup.

What document.typ gets is JSON: it puts every text in as text, so nothing that a model or a person
wrote can become a command of the typesetter.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

Block = dict[str, Any]

COLOURED = 50_000
EVERY = 8
BREAK = "\N{ZERO WIDTH SPACE}"

_gaps = "\\s\u200b\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\uffff"
_long = re.compile(f"[^{_gaps}]{{25,}}")
_long_code = re.compile(f"[^{_gaps}]{{81,}}")
_kana = re.compile(r"[\u3040-\u30ff]")
_hangul = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")


def breakable(text: str) -> str:
    """Return a text whose long words, such as addresses and hashes, may break inside.

    A zero width space says where; document.typ puts a gap of no width in its place, because some
    readers of PDF would copy it.
    """
    return _long.sub(_with_breaks, _storable(text))


def _with_breaks(match: re.Match[str]) -> str:
    out: list[str] = []
    since = 0
    for before, after in pairwise(f" {match[0]}"):
        # Marks stay with their letter, and so do the parts of joined emoji.
        if since >= EVERY and not unicodedata.combining(after) and "\u200d" not in (before, after):
            out.append(BREAK)
            since = 0
        out.append(after)
        since += 1
    return "".join(out)


def _storable(text: str) -> str:
    """Drop control characters, which no font has."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")


def direction(text: str) -> str:
    """Return the direction of a paragraph by its first letter, as the Unicode algorithm says."""
    for each in text[:2000]:
        kind = unicodedata.bidirectional(each)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


def language(text: str) -> str:
    """Return the language whose forms of Chinese characters a text wants."""
    if _kana.search(text):
        return "ja"
    return "ko" if _hangul.search(text) else "zh"


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a markdown text. Pictures of elsewhere stay links."""
    return _Tree(_parser().parse(text)).blocks()


def code(text: str, language: str = "") -> Block:
    """Return code as a block; what is very long comes without colours, which take their time."""
    shown = _long_code.sub(_with_breaks, _storable(text.expandtabs(4).rstrip("\n")))
    return {"kind": "code", "text": shown, "lang": language if len(text) <= COLOURED else ""}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    return parser.enable(["table", "strikethrough"])


class _Tree:
    """Reads the tokens of a text from the first to the last."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def blocks(self, end: str = "") -> list[Block]:
        """Return the blocks up to a closing token."""
        found: list[Block] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == end:
                break
            if block := self._block(token):
                found.append(block)
        return found

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "heading_open":
                return {"kind": "heading", "level": int(token.tag[1]), **self._inline()}
            case "paragraph_open":
                return {"kind": "paragraph", **self._inline()}
            case "fence" | "code_block":
                return code(token.content, token.info.split()[0] if token.info.strip() else "")
            case "blockquote_open":
                inside = self.blocks("blockquote_close")
                begins = inside[0].get("dir", "ltr") if inside else "ltr"
                return {"kind": "quote", "blocks": inside, "dir": begins}
            case "bullet_list_open":
                return self._list("bullets", "bullet_list_close")
            case "ordered_list_open":
                start = int(token.attrs.get("start", 1))
                return {**self._list("numbers", "ordered_list_close"), "start": start}
            case "table_open":
                return self._table()
            case "hr":
                return {"kind": "rule"}
            case _:
                return None

    def _list(self, kind: str, end: str) -> Block:
        """Return a list; its marks are on the side that its first item begins at."""
        items: list[list[Block]] = []
        while self._tokens[self._at].type != end:
            self._at += 1  # list_item_open
            items.append(self.blocks("list_item_close"))
        self._at += 1
        begins = items[0][0].get("dir", "ltr") if items and items[0] else "ltr"
        return {"kind": kind, "items": items, "dir": begins}

    def _table(self) -> Block:
        rows: list[list[Block]] = []
        while (token := self._tokens[self._at]).type != "table_close":
            self._at += 1
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                right = "right" in str(token.attrs.get("style", ""))
                rows[-1].append({**self._inline(), "right": right})
        self._at += 1
        return {"kind": "table", "rows": rows}

    def _inline(self) -> Block:
        """Return the spans of a paragraph, a heading or a cell, with their direction."""
        token = self._tokens[self._at]
        self._at += 2  # the text and what closes it
        return {
            "spans": _spans(token.children or []),
            "dir": direction(token.content),
            "cjk": language(token.content),
        }


def _spans(tokens: Sequence[Token]) -> list[Block]:
    found: list[Block] = []
    style = {"strong": 0, "em": 0, "s": 0}
    links: list[str] = []
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if name in style:
            style[name] += token.nesting
        elif token.type == "link_open":
            links.append(str(token.attrs.get("href", "")))
        elif token.type == "link_close":
            links.pop()
        else:
            said = _said(token)
            if said is not None:
                marks = [mark for mark, depth in style.items() if depth]
                found.append({**said, "marks": marks, "link": _link(links[-1] if links else "")})
    return found


def _said(token: Token) -> Block | None:
    match token.type:
        case "text" | "text_special" | "html_inline":
            return {"kind": "text", "text": breakable(token.content)}
        case "code_inline":
            return {"kind": "code", "text": breakable(token.content)}
        case "softbreak":
            return {"kind": "text", "text": " "}
        case "hardbreak":
            return {"kind": "break", "text": ""}
        case "image":
            return {"kind": "text", "text": breakable(f"{token.content or 'picture'}")}
        case _:
            return None


def _link(target: str) -> str:
    """Return what a link leads to; only the web and mail, as on the pages."""
    return target if target.startswith(("http://", "https://", "mailto:")) else ""

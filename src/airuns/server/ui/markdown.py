"""Answers as HTML: CommonMark with tables, code in colours, and nothing that could do harm.

Text of models is not trusted. HTML in it is shown as text; what is rendered is sanitised once more,
so that no error in a renderer becomes a script. Pictures of elsewhere are links, because loading
one would tell its host who reads.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, cast

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]  # its options are untyped
from pygments.util import ClassNotFound

LONGEST_COLOURED = 200_000
LONGEST_REMEMBERED = 20_000
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "blockquote"),
    *("ul", "ol", "li", "code", "pre", "span", "div", "a", "table", "thead", "tbody", "tr"),
    *("th", "td", "figure", "figcaption"),
}
ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"tabindex", "role", "aria-label"},
    "div": {"tabindex", "role", "aria-label", "data-code"},
    "figcaption": {"data-language"},
}
SCHEMES = {"http", "https", "mailto"}


def render(text: str) -> Markup:
    """Return markdown as safe HTML. Messages do not change, so the last ones are remembered."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _rendered(text)


def _rendered(text: str) -> Markup:
    html = _parser().render(text)
    safe = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Markup(safe)  # noqa: S704  # sanitised just above


_remembered = lru_cache(maxsize=512)(_rendered)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": False})
    parser.enable(["table", "strikethrough"])
    rules = cast("dict[str, Any]", cast("RendererHTML", parser.renderer).rules)
    rules |= {
        "fence": _code,
        "code_block": _code,
        "image": _picture,
        "table_open": _open_table,
        "table_close": _close_table,
        "th_open": _cell,
        "td_open": _cell,
    }
    return parser


def _code(tokens: Sequence[Token], index: int, *_: Any) -> str:
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else ""
    lexer = _lexer(language)
    shown = escape(lexer.name if lexer else language or "Text")
    return (
        f'<figure class="code"><figcaption class="code-header" data-language="{shown}">'
        f'<span>{shown}</span></figcaption><pre tabindex="0" role="region" '
        f'aria-label="Code, {shown}"><code>{_coloured(token.content, lexer)}</code></pre>'
        "</figure>\n"
    )


def _lexer(language: str) -> Any:
    try:
        return get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None


def _coloured(code: str, lexer: Any) -> str:
    if lexer is None or len(code) > LONGEST_COLOURED:
        return str(escape(code))
    return highlight(code, lexer, cast("Any", HtmlFormatter)(nowrap=True))


def _picture(tokens: Sequence[Token], index: int, *_: Any) -> str:
    token = tokens[index]
    source = escape(token.attrs.get("src", ""))
    return f'<a href="{source}">{escape(token.content or "picture")}</a>'


def _open_table(*_: Any) -> str:
    return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>'


def _close_table(*_: Any) -> str:
    return "</table></div>"


def _cell(tokens: Sequence[Token], index: int, *_: Any) -> str:
    token = tokens[index]
    right = "right" in str(token.attrs.get("style", ""))
    return f'<{token.tag} class="amount">' if right else f"<{token.tag}>"

"""Answers as HTML: they look right, and no text becomes something that runs or loads."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.ui.markdown import ATTRIBUTES, TAGS, render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://elsewhere.example/pixel.png)",
    "<a href='javascript:x'>x</a>",
    '```"><script>alert(1)</script>\ncode\n```',
    "```python onload=alert(1)\nx\n```",
    "<svg onload=alert(1)>",
    "<style>*{display:none}</style>",
    '[x](https://a.example "\\" onclick=alert(1)")',
    "<iframe src=//evil.example>",
    "| a |\n|:-:|\n| <b onclick=x>y</b> |",
]


class Reader(HTMLParser):
    """Collects the tags and attributes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    allowed = {name for names in ATTRIBUTES.values() for name in names} | {"rel", "target"}
    for tag, attributes in Reader(html).found:
        assert tag in TAGS, tag
        assert set(attributes) <= allowed, attributes
        href = attributes.get("href") or ""
        scheme = href.partition(":")[0].lower() if ":" in href.partition("/")[0] else "http"
        assert scheme in ("http", "https", "mailto"), href


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str) -> None:
    assert_harmless(render(text))


@given(st.text(alphabet=st.sampled_from("<>\"'`=:/()[]!&#*_|-\n abjscriptonload"), max_size=200))
def test_whatever_is_written_is_harmless(text: str) -> None:
    assert_harmless(render(text))


@given(st.lists(st.sampled_from(HOSTILE), max_size=4).map("\n\n".join))
def test_hostile_texts_together_are_harmless(text: str) -> None:
    assert_harmless(render(text))


def test_code_has_colours_and_a_place_that_scrolls_by_keyboard() -> None:
    html = render("```python\nimport os\n```")
    assert '<span class="kn">import</span>' in html
    assert 'tabindex="0"' in html
    assert "import" in render("```nolanguage\nimport os\n```")


def test_code_keeps_its_characters() -> None:
    assert "&lt;b&gt; &amp;amp; x" in render("```\n<b> &amp; x\n```")


def test_pictures_of_elsewhere_are_links() -> None:
    html = render("![a chart](https://elsewhere.example/a.png)")
    assert "<img" not in html
    assert 'href="https://elsewhere.example/a.png"' in html


def test_links_open_beside_and_tell_nobody_where_from() -> None:
    html = render("[x](https://a.example/)")
    assert 'target="_blank"' in html
    assert "noopener" in html

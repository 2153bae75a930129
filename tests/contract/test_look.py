"""What a machine can read of the look: colours are tokens, pages carry no code."""

import re
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "src" / "airuns" / "server"
STYLES = SERVER / "ui" / "styles"
OWN = [path for path in SERVER.rglob("*") if "vendor" not in path.parts]
TEMPLATES = sorted(path for path in OWN if path.suffix == ".html")
SCRIPTS = sorted(path for path in OWN if path.suffix == ".js")
SHEETS = sorted(STYLES.glob("*.css"))

COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:oklch|oklab|lab|lch|rgba?|hsla?|hwb|light-dark)\("
    r"|[ :(,](?:black|white)\b(?!-)",
    re.IGNORECASE,
)
MIXED = re.compile(r"color-mix\(in \w+")


def name(path: Path) -> str:
    """Return a path as the server's files are called."""
    return path.relative_to(SERVER).as_posix()


@pytest.mark.parametrize("sheet", SHEETS, ids=name)
def test_only_the_tokens_name_raw_colours(sheet: Path) -> None:
    if sheet.name != "tokens.css":
        rules = re.sub(r"/\*.*?\*/", "", MIXED.sub("", sheet.read_text()), flags=re.DOTALL)
        assert COLOUR.findall(rules) == []


def test_every_token_that_is_used_is_there() -> None:
    used = {
        used for sheet in SHEETS for used in re.findall(r"var\((--[\w-]+)\)", sheet.read_text())
    }
    known = {known for sheet in SHEETS for known in re.findall(r"(--[\w-]+):", sheet.read_text())}
    assert used - known == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_pages_carry_no_styles_and_no_code(template: Path) -> None:
    text = re.sub(r"{[{%].*?[%}]}", "", template.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle\s*=|<[^>]*\son[a-z]+\s*=|javascript:|hx-on", text)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert " src=" in tag or 'type="application/json"' in tag, tag


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *SHEETS], ids=name)
def test_no_file_is_too_long_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_scripts_build_no_html_from_data(script: Path) -> None:
    writes = re.findall(
        r"\.(?:innerHTML|outerHTML)\s*=(?!=)|insertAdjacentHTML|document\.write", script.read_text()
    )
    assert len(writes) <= (1 if script.name == "http.js" else 0), "http.js has the one place"


def test_every_icon_that_is_asked_for_is_there() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (SERVER / "ui" / "icons.svg").read_text()))
    asked = {
        icon for path in TEMPLATES for icon in re.findall(r'\bicon\("([\w-]+)"', path.read_text())
    }
    assert asked - known == set()

"""The documents say what the code says."""

import re
from pathlib import Path

import pytest
from docs import generate

DOCS = sorted([*Path("docs").glob("*.md"), *Path().glob("*.md")])


def test_the_settings_page_is_the_table_of_settings() -> None:
    assert generate.SETTINGS.read_text() == generate.settings_page(), "python -m docs.generate"


@pytest.mark.parametrize("page", DOCS, ids=str)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []

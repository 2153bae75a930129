"""An archive is split into the same records, in any layout and in whatever pieces it comes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airuns.errors import Malformed, TooLarge
from airuns.server.exports.splitting import records
from tests.exports.trees import OBJECTS


@settings(max_examples=50, deadline=None)
@given(
    wanted=st.lists(OBJECTS, max_size=4),
    indent=st.none() | st.integers(0, 2),
    is_sorted=st.booleans(),
    is_ascii=st.booleans(),
    size=st.integers(1, 50),
)
def test_any_layout_and_any_pieces(
    wanted: list[dict[str, Any]], indent: int | None, is_sorted: bool, is_ascii: bool, size: int
) -> None:
    archive = {"airuns": 1, "runs": 1, "records": wanted, "complete": True}
    text = json.dumps(archive, indent=indent, sort_keys=is_sorted, ensure_ascii=is_ascii).encode()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert [json.loads(record) for record in records(pieces, 10_000)] == wanted
    cut = text.rstrip(b"} \n")
    with pytest.raises(Malformed):
        list(records([cut], 10_000))


def test_a_record_without_end_is_not_held() -> None:
    endless = iter([b'{"airuns":1,"records":[{"content":"', *[b"x" * 1000] * 100])
    with pytest.raises(TooLarge):
        list(records(endless, 10_000))
    assert len(list(endless)) > 80
    with pytest.raises(TooLarge):
        list(records([b"x" * 1000] * 1000, 10_000))

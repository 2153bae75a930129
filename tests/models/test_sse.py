"""Server-sent events, however their bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import sse
from airuns.server.models.call import ProviderError
from airuns.server.models.sse import Event, Reader

lines = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=9)
fields = st.one_of(
    lines.map(lambda text: f"data: {text}"),
    lines.map(lambda text: f"data:{text}"),
    lines.map(lambda text: f"event: {text}"),
    lines.map(lambda text: f": {text}"),
    st.sampled_from(["", "", "", "data", "id: 7", "retry: 10", "😀"]),
)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    parts = draw(st.lists(st.tuples(fields, line_ends), max_size=20))
    return ("".join(line + end for line, end in parts)).encode()


def read(*chunks: bytes) -> list[Event]:
    reader = Reader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.end()


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(stream) + 1) for place in at), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


@given(streams(), st.lists(st.integers(min_value=0), max_size=12))
def test_any_chunking_of_a_stream_gives_the_same_events(stream: bytes, at: list[int]) -> None:
    assert read(*cut(stream, at)) == read(stream)
    assert read(*(bytes([byte]) for byte in stream)) == read(stream)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r")).map(str.encode), max_size=8
    )
)
def test_all_data_comes_through(texts: list[bytes]) -> None:
    blocks = [b"".join(b"data: " + line + b"\n" for line in text.split(b"\n")) for text in texts]
    assert read(b"\n".join(blocks)) == [Event("message", text) for text in texts]


def test_names_comments_and_data_of_several_lines() -> None:
    stream = b"\xef\xbb\xbf: hello\r\nevent: delta\r\ndata: a\r\ndata:b\r\n\r\n"
    stream += b"event: none\n\ndata: c\n\n"
    assert read(stream) == [Event("delta", b"a\nb"), Event("message", b"c")]


def test_an_end_without_a_blank_line() -> None:
    assert read(b"data: [DONE]") == [Event("message", b"[DONE]")]
    assert read(b"data: a\n\ndata: b\n") == [Event("message", b"a"), Event("message", b"b")]


@pytest.mark.parametrize("chunk", [b"x" * 2**20, b"data: " + b"x" * 2**20 + b"\n"])
def test_an_endless_line_or_event_is_refused(chunk: bytes) -> None:
    reader = Reader()
    for _ in range(sse.MAX_EVENT_BYTES // 2**20 - 1):
        reader.feed(chunk)
    with pytest.raises(ProviderError, match="more than 64 MB"):
        reader.feed(chunk + chunk)

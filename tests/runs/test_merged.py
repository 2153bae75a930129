"""Pieces of text that wait to be handed on are joined, and say the same."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airuns.server.runs.live import Told, merged

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3), st.booleans()), max_size=40)


def told(steps: list[tuple[str, str, bool]]) -> list[Told]:
    """Return pieces of three texts, one a room, with other events between them."""
    lengths: dict[str, int] = {}
    events: list[Told] = []
    for room, text, is_other in steps:
        offset = lengths.get(room, 0)
        if is_other:
            events.append((room, "task.info", {"task_id": room, "note": text}))
        else:
            events.append((room, "task.delta", {"task_id": room, "offset": offset, "text": text}))
            lengths[room] = offset + len(text)
    return events


def of_room(events: list[Told], room: str) -> list[Any]:
    """Return what a room hears: its events in order, each text letter by letter."""
    heard: list[Any] = []
    for where, name, data in events:
        if where == room and name == "task.delta":
            heard += [(data["offset"] + at, letter) for at, letter in enumerate(data["text"])]
        elif where == room:
            heard.append(data)
    return heard


@given(STEPS)
def test_each_room_hears_the_same_in_the_same_order(steps: list[tuple[str, str, bool]]) -> None:
    events = told(steps)
    joined = merged(events)
    assert all(of_room(joined, room) == of_room(events, room) for room in "abc")


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=40))
def test_a_text_alone_is_one_piece(texts: list[str]) -> None:
    joined = merged(told([("a", text, False) for text in texts]))
    assert [data["text"] for _, _, data in joined] == ["".join(texts)]

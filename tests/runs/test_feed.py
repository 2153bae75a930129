"""Following a task from any place gives exactly the rest."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from airuns.server.runs.feed import DELTA, PING, Event, Feed

pieces = st.lists(st.text(min_size=1, max_size=5), max_size=12)


def new_feed() -> Feed:
    return Feed("task", lambda _: None)


async def texts(feed: Feed, offset: int) -> str:
    have = ""
    async for event in feed.follow(offset):
        if event.name == DELTA:
            assert event.data["offset"] == offset + len(have)
            have += event.data["text"]
            assert event.offset == offset + len(have)
    return have


@given(pieces, st.data())
def test_following_from_any_offset_gives_exactly_the_rest(
    parts: list[str], data: st.DataObject
) -> None:
    feed = new_feed()
    feed.add("task.started", {})
    for part in parts:
        feed.add_text(part)
    feed.add("task.completed", {})
    whole = "".join(parts)
    offset = data.draw(st.integers(0, len(whole)))
    assert asyncio.run(texts(feed, offset)) == whole[offset:]
    assert feed.text_from(offset) == whole[offset:]


@given(pieces, st.data())
def test_following_while_it_is_written_gives_exactly_the_rest(
    parts: list[str], data: st.DataObject
) -> None:
    breaks = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))

    async def write_and_follow() -> list[str]:
        feed = new_feed()
        viewers = [asyncio.create_task(texts(feed, 0))]
        for part, breath in zip(parts, breaks, strict=True):
            feed.add_text(part)
            if breath:
                await asyncio.sleep(0)
                viewers.append(asyncio.create_task(texts(feed, feed.length)))
        feed.add("task.error", {})
        return await asyncio.gather(*viewers)

    whole = "".join(parts)
    first, *others = asyncio.run(write_and_follow())
    assert first == whole
    assert all(whole.endswith(other) for other in others)


def test_a_viewer_hears_the_other_events_in_their_place() -> None:
    feed = new_feed()
    feed.add("task.started", {"run_id": 1})
    feed.add_text("ab")
    feed.add("task.tool", {"tool_call": 1})
    feed.add_text("c")
    feed.add("task.completed", {"status": "completed"})

    async def names(offset: int) -> list[str]:
        return [event.name async for event in feed.follow(offset)]

    assert asyncio.run(names(0)) == [
        "task.started",
        "task.delta",
        "task.tool",
        "task.delta",
        "task.completed",
    ]
    assert asyncio.run(names(2)) == ["task.tool", "task.delta", "task.completed"]
    assert asyncio.run(names(3)) == ["task.completed"]


def test_each_event_is_told_as_it_happens() -> None:
    told: list[Event] = []
    feed = Feed("task", told.append)
    feed.add("task.started", {})
    feed.add_text("a")
    assert [event.name for event in told] == ["task.started", "task.delta"]
    assert PING not in [event.name for event in told]

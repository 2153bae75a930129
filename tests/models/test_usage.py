"""What a provider says of tokens, however impossible, can be stored and breaks nothing."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import anthropic, openai
from airuns.server.models.call import Usage
from airuns.server.models.usage import MOST_TOKENS, possible
from tests.models.calls import end_of
from tests.models.test_answer import fed

counts = st.none() | st.integers(-3, 20) | st.integers() | st.sampled_from([2**53, 2**63, 10**40])


def told_by_openai(usage: dict[str, Any]) -> Usage | None:
    return end_of(fed(openai.Decoder(), {"choices": [], "usage": usage})).usage


def told_by_anthropic(usage: dict[str, Any]) -> Usage | None:
    return end_of(fed(anthropic.Decoder(), {"type": "message_delta", "usage": usage})).usage


def assert_storable(usage: Usage | None) -> None:
    """The checks of `airuns.ai_tasks` hold."""
    assert usage is not None
    told = msgspec.structs.asdict(usage) | {"total": usage.total}
    assert all(count is None or 0 <= count < 2**63 for count in told.values())
    cached = (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    assert sum(count or 0 for count in cached) <= (usage.input or 0)
    assert (usage.reasoning or 0) <= (usage.output or 0)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (Usage(), Usage()),
        (Usage(input=0, output=0, reasoning=0), Usage(input=0, output=0, reasoning=0)),
        (Usage(input=-1, output=2), Usage(output=2)),
        (Usage(input=MOST_TOKENS, output=MOST_TOKENS + 1), Usage(input=MOST_TOKENS)),
        (Usage(input=9, cache_read=9), Usage(input=9, cache_read=9)),
        (Usage(input=9, cache_read=5, cache_write_5m=5), Usage(input=9)),
        (Usage(input=9, cache_read=-5, cache_write_1h=5), Usage(input=9, cache_write_1h=5)),
        (Usage(cache_read=1, reasoning=1), Usage()),
        (Usage(input=1, output=4, reasoning=5), Usage(input=1, output=4)),
        (Usage(input=1, output=4, estimated=True), Usage(input=1, output=4, estimated=True)),
    ],
)
def test_what_cannot_be_is_unknown(told: Usage, kept: Usage) -> None:
    assert possible(told) == kept


@given(st.builds(Usage, **dict.fromkeys(set(Usage.__struct_fields__) - {"estimated"}, counts)))
def test_whatever_comes_can_be_stored(usage: Usage) -> None:
    assert_storable(possible(usage))


@given(st.tuples(*[counts] * 8))
def test_whatever_a_provider_tells_can_be_stored(told: tuple[int | None, ...]) -> None:
    total, input_, output, reasoning, read, write, write_5m, write_1h = told
    writes = {"ephemeral_5m_input_tokens": write_5m, "ephemeral_1h_input_tokens": write_1h}
    details = {
        "cached_tokens": read,
        "cache_write_tokens": write,
        "cache_creation_token_details": writes,
    }
    openais = {
        "prompt_tokens": input_,
        "completion_tokens": output,
        "total_tokens": total,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    assert_storable(told_by_openai(openais))
    anthropics = {
        "input_tokens": input_,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write,
        "cache_creation": writes,
    }
    assert_storable(told_by_anthropic(anthropics))


def test_an_impossible_count_spoils_no_other() -> None:
    assert told_by_openai(
        {"prompt_tokens": -5, "completion_tokens": 3, "total_tokens": 10}
    ) == Usage(output=3)
    assert told_by_openai(
        {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 2**60}
    ) == Usage(input=5, output=3)
    assert told_by_anthropic(
        {"input_tokens": -5, "cache_read_input_tokens": 9, "output_tokens": 2}
    ) == Usage(output=2)
    assert told_by_anthropic(
        {"input_tokens": 5, "cache_read_input_tokens": -9, "output_tokens": 2}
    ) == Usage(input=5, output=2)

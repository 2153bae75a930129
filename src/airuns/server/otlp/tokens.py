"""Tokens that a span tells of, in our terms: all input, and the parts of it in disjoint buckets.

OpenTelemetry's conventions, OpenAI and every instrumentation that is tested count what was read
from a cache and written to one as input (those of Anthropic's packages add it up: its API leaves
it out). A source that hands Anthropic's counts on as they are is known by its own sum, or by parts
that are more than the whole.
"""

from typing import Any

import msgspec

from airuns.server.otlp.messages import Fields

MOST = 2**53

INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
)
TOTAL = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a call; None is unknown. `input` is all input, `reasoning` part of `output`.

    How long a cache keeps what was written to it is not told: it counts as the usual 5 minutes.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


def counted(given: Fields) -> Tokens:
    """Return the tokens that attributes tell of; a count that cannot be is unknown."""
    whole, output = _first(given, INPUT), _first(given, OUTPUT)
    read, write = _first(given, CACHE_READ), _first(given, CACHE_WRITE)
    reasoning = _first(given, REASONING)
    cached = (read or 0) + (write or 0)
    if whole is None:
        read = write = None
    elif cached > whole or _is_apart(whole, output, cached, _first(given, TOTAL)):
        whole += cached
    if output is None or (reasoning or 0) > output:
        reasoning = None
    return Tokens(
        input=whole, output=output, cache_read=read, cache_write=write, reasoning=reasoning
    )


def _is_apart(whole: int, output: int | None, cached: int, total: int | None) -> bool:
    """Say whether the source's own total counts what was cached beside the input."""
    return bool(cached) and total is not None and total == whole + cached + (output or 0)


def _first(given: Fields, names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in given:
            count: Any = given[name]
            if isinstance(count, float) and count.is_integer():
                count = int(count)
            if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MOST:
                return count
    return None

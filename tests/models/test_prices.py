"""What calls cost, to the last digit."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from airuns.server.models import prices
from airuns.server.models.call import Usage
from airuns.server.models.prices import OwnPrice, cost_of

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
OWN = OwnPrice(
    input=Decimal(3),
    output=Decimal(15),
    cache_read=Decimal("0.3"),
    cache_write_5m=Decimal("3.75"),
    cache_write_1h=Decimal(6),
)

counts = st.integers(0, 10**9)
rates = st.decimals(0, 1000, places=6)
owns = st.builds(
    OwnPrice,
    input=rates,
    output=rates,
    cache_read=st.none() | rates,
    cache_write_5m=st.none() | rates,
    cache_write_1h=st.none() | rates,
)


@dataclasses.dataclass(frozen=True)
class Buckets:
    """Disjoint buckets of tokens."""

    uncached: int
    output: int
    read: int
    write_5m: int
    write_1h: int

    @property
    def usage(self) -> Usage:
        return Usage(
            input=self.uncached + self.read + self.write_5m + self.write_1h,
            output=self.output,
            cache_read=self.read,
            cache_write_5m=self.write_5m,
            cache_write_1h=self.write_1h,
        )

    def __add__(self, other: "Buckets") -> "Buckets":
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Buckets(*(a + b for a, b in zip(mine, others, strict=True)))


buckets = st.builds(Buckets, counts, counts, counts, counts, counts)


def usd(usage: Usage, model: str, own: OwnPrice | None = None, at: datetime = AT) -> Decimal | None:
    provider, _, name = model.partition("/")
    cost = cost_of(usage, provider, name, own, at)
    return None if cost is None else cost.usd


def test_gpt_4o_with_cached_tokens() -> None:
    usage = Usage(input=1000, output=500, cache_read=400)
    assert usd(usage, "openai/gpt-4o") == Decimal("0.007")  # 600 x 2.5 + 400 x 1.25 + 500 x 10
    assert usd(usage, "openai/gpt-4o-2024-08-06") == Decimal("0.007")


def test_claude_with_cache_writes_of_both_lifetimes() -> None:
    usage = Usage(input=1000, output=500, cache_read=400, cache_write_5m=100, cache_write_1h=200)
    # 300 x 3 + 400 x 0.3 + 100 x 3.75 + 200 x 6 + 500 x 15
    assert usd(usage, "anthropic/claude-sonnet-4-5") == Decimal("0.010095")


def test_gemini_s_tier_is_chosen_by_the_whole_prompt() -> None:
    model = "gemini/gemini-2.5-pro"
    # 200,000 x 1.25 + 1,000 x 10; one token more, and all of them cost the higher rates
    assert usd(Usage(input=200_000, output=1000), model) == Decimal("0.26")
    assert usd(Usage(input=200_001, output=1000), model) == Decimal("0.5150025")
    cached = Usage(input=200_001, output=1000, cache_read=200_000)
    assert usd(cached, model) == Decimal("0.0650025")  # 1 x 2.5 + 200,000 x 0.25 + 1,000 x 15


def test_the_price_that_was_used_is_frozen_with_the_cost() -> None:
    cost = cost_of(Usage(input=200_001, output=1), "gemini", "gemini-2.5-pro", None, AT)
    assert cost is not None
    assert cost.price == {
        "source": "genai-prices",
        "version": genai_prices.__version__,
        "provider": "google",
        "model": "gemini-2.5-pro",
        "tier_above_input_tokens": 200_000,
        "input": "2.5",
        "output": "15",
        "cache_read": "0.25",
        "cache_write_5m": "2.5",
        "cache_write_1h": None,
    }


def test_a_price_is_that_of_its_day() -> None:
    model = next(
        one
        for provider in get_snapshot().providers
        if provider.id == "openai"
        for one in provider.models
        if isinstance(one.prices, list) and getattr(one.prices[-1].constraint, "start_date", None)
    )
    changed = model.prices[-1].constraint.start_date
    at = datetime(changed.year, changed.month, changed.day, tzinfo=UTC)
    usage = Usage(input=10**6, output=10**6, cache_read=10**5)
    before, after = (usd(usage, f"openai/{model.id}", at=at - timedelta(days=n)) for n in (1, 0))
    assert before != after


def test_a_fee_for_each_request_is_part_of_the_cost() -> None:
    usage = Usage(input=0, output=0)
    cost = cost_of(usage, "perplexity", "sonar", None, AT)
    assert cost is not None
    assert cost.usd == Decimal(cost.price["request"]) > 0


def test_unknown_is_not_zero() -> None:
    known = Usage(input=1, output=1)
    assert usd(known, "openai/no-such-model") is None
    assert usd(known, "my-openai/gpt-4o") is None
    assert usd(Usage(), "openai/gpt-4o") is None
    assert usd(Usage(input=1), "openai/gpt-4o", OWN) is None
    assert usd(Usage(output=1), "local/x") is None
    one_hour = Usage(input=1, output=1, cache_write_1h=1)
    assert usd(one_hour, "openai/gpt-4o") is None


def test_a_local_model_costs_nothing_unless_its_user_says() -> None:
    usage = Usage(input=10**6, output=10**6)
    assert usd(usage, "local/smollm2-135m") == 0
    assert usd(usage, "local/smollm2-135m", OWN) == 18


def test_the_user_s_own_price_wins() -> None:
    usage = Usage(input=1000, output=500, cache_read=400, cache_write_5m=100, cache_write_1h=200)
    cost = cost_of(usage, "openai", "gpt-4o", OWN, AT)
    assert cost is not None
    assert cost.usd == Decimal("0.010095")
    assert cost.price["source"] == "own"
    assert cost.price["cache_write_5m"] == "3.75"


def test_cache_prices_that_the_user_left_out() -> None:
    own = OwnPrice(input=Decimal(2), output=Decimal(1))
    usage = Usage(input=4, output=0, cache_read=1, cache_write_5m=1, cache_write_1h=1)
    assert usd(usage, "x/y", own) == Decimal("0.000008")
    own = OwnPrice(input=Decimal(2), output=Decimal(1), cache_write_5m=Decimal(3))
    assert usd(usage, "x/y", own) == Decimal("0.000010")


def test_more_cached_than_there_was_input_is_no_negative_cost() -> None:
    assert usd(Usage(input=1, output=0, cache_read=10), "x/y", OWN) == Decimal("0.000003")


@given(buckets, buckets, owns)
def test_costs_add_up(a: Buckets, b: Buckets, own: OwnPrice) -> None:
    one, other = usd(a.usage, "x/y", own), usd(b.usage, "x/y", own)
    assert one is not None
    assert other is not None
    assert usd((a + b).usage, "x/y", own) == one + other


@given(buckets, buckets, owns)
def test_more_tokens_never_cost_less(a: Buckets, more: Buckets, own: OwnPrice) -> None:
    less = usd(a.usage, "x/y", own)
    assert less is not None
    assert less <= (usd((a + more).usage, "x/y", own) or 0)


@given(owns)
def test_no_tokens_cost_nothing(own: OwnPrice) -> None:
    assert usd(Usage(input=0, output=0), "x/y", own) == 0
    assert usd(Usage(input=0, output=0), "openai/gpt-4o") == 0


CHECKED = ("openai", "anthropic", "gemini", "mistral", "groq", "deepseek", "xai", "openrouter")
MODELS = [(name, one.name) for name in CHECKED for one in prices.listed(name, AT)]


@given(st.sampled_from(MODELS), st.tuples(*[st.integers(0, 300_000)] * 4))
def test_the_price_table_s_own_arithmetic_agrees(
    model: tuple[str, str], tokens: tuple[int, int, int, int]
) -> None:
    uncached, output, read, write = tokens
    usage = Buckets(uncached, output, read, write, 0).usage
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_tokens=write,
            cache_write_5m_tokens=write,
        ),
        model[1],
        provider_id=prices.PRICED_AS.get(model[0], model[0]),
        genai_request_timestamp=AT,
    )
    assert usd(usage, "/".join(model)) == theirs.total_price


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("gpt-4o", "openai"),
        ("claude-sonnet-4-5", "anthropic"),
        ("gemini-2.5-pro", "gemini"),
        ("grok-4", "xai"),
        ("no-such-model", None),
    ],
)
def test_who_makes_a_model(model: str, maker: str | None) -> None:
    assert prices.maker_of(model) == maker

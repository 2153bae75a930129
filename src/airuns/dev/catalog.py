"""The models and the prompts that seeded runs use."""

import random
from uuid import UUID

import msgspec

from airuns.dev.words import Text


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model; prices are in 0.0001 USD per million tokens, None where nobody knows them.

    `first` is the median of seconds to the first token, `speed` in tokens a second.
    """

    provider: str
    name: str
    share: float
    price_input: int | None
    price_output: int | None
    price_cached: int | None
    first: float
    speed: float
    reasons: bool = False
    counts: bool = True

    @property
    def full_name(self) -> str:
        """The name that requests have: provider/model."""
        return f"{self.provider}/{self.name}"

    @property
    def price(self) -> str:
        """What tasks keep of the price, as JSON."""
        rates = {
            "input": self.price_input,
            "output": self.price_output,
            "cache_read": self.price_cached,
        }
        said = {key: f"{rate / 10_000:g}" for key, rate in rates.items() if rate is not None}
        return msgspec.json.encode({"source": "seed", **said}).decode()


def _model(
    name: str, share: float, prices: tuple[int, int, int] | None, first: float, speed: float
) -> Model:
    provider, _, model = name.partition("/")
    rates = prices or (None, None, None)
    return Model(
        provider=provider,
        name=model,
        share=share,
        price_input=rates[0],
        price_output=rates[1],
        price_cached=rates[2],
        first=first,
        speed=speed,
        reasons=model.startswith(("o4", "deepseek")),
        counts=provider != "proxy",
    )


MODELS = (
    _model("openai/gpt-4o-mini", 30, (1_500, 6_000, 750), 0.45, 90),
    _model("openai/gpt-4o", 16, (25_000, 100_000, 12_500), 0.6, 70),
    _model("openai/o4-mini", 6, (11_000, 44_000, 2_750), 3.5, 110),
    _model("anthropic/claude-sonnet-4-5", 20, (30_000, 150_000, 3_000), 1.1, 65),
    _model("anthropic/claude-haiku-4-5", 8, (10_000, 50_000, 1_000), 0.6, 140),
    _model("gemini/gemini-2.5-flash", 9, (3_000, 25_000, 750), 0.5, 180),
    _model("mistral/mistral-small-latest", 4, (1_000, 3_000, 1_000), 0.4, 120),
    _model("local/smollm2-135m", 4, (0, 0, 0), 0.15, 50),
    _model("lab/llama-3.3-70b", 2, None, 0.9, 30),
    _model("proxy/unnamed", 1, None, 1.4, 40),
)
"""`lab` gives tokens that have no price; `proxy` does not even count tokens."""

TAGS = (
    "work", "draft", "review", "customer", "research", "weekly", "bug", "idea", "urgent",
    "translation", "sql", "private", "demo", "eval", "finance", "legal", "marketing", "ops",
)  # fmt: skip


class Prompt(msgspec.Struct, frozen=True):
    """A saved prompt: its name, and what its system message says in each version."""

    id: UUID
    name: str
    versions: list[str]

    def said(self, version: int, topic: str) -> str:
        """Return the system message of a run of a version."""
        return self.versions[version - 1].replace("{{topic}}", topic)


def prompts(rng: random.Random, count: int, english: Text, first_ms: int) -> list[Prompt]:
    """Make prompts, some of which have had many versions."""
    made: list[Prompt] = []
    for number in range(count):
        name = f"{english.some(rng, 3).strip('.`*').replace(chr(10), ' ')} {number + 1}"
        texts = [
            f"You help with {{{{topic}}}}. {english.some(rng, rng.randrange(8, 30))}"
            for _ in range(1 + int(rng.paretovariate(1.5) * 0.8) % 7)
        ]
        made.append(Prompt(UUID(uuid7(rng, first_ms + number)), name, texts))
    return made


def uuid7(rng: random.Random, at_ms: int) -> str:
    """Return a UUIDv7 (RFC 9562) of a time in milliseconds, as 32 hexadecimal digits."""
    bits = rng.getrandbits(74)
    return f"{at_ms << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1:032x}"

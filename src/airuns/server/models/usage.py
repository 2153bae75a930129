"""What providers say of tokens, held to what can be: what cannot is unknown, and never an error."""

import msgspec

from airuns.server.models.call import Usage

MOST_TOKENS = 2**53  # the largest count that every reader of JSON takes as it is


class Counts(msgspec.Struct):
    """Counts as a provider tells them; those that no count can be are unknown."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            count = getattr(self, name)
            if isinstance(count, int) and not 0 <= count <= MOST_TOKENS:
                setattr(self, name, None)


def possible(usage: Usage) -> Usage:
    """Return what can be of a usage, so that it satisfies the checks of `airuns.ai_tasks`."""
    counts = {  # and `estimated`, a bool, as it is
        name: count
        for name, count in msgspec.structs.asdict(usage).items()
        if count is not None and 0 <= count <= MOST_TOKENS
    }
    cached = ("cache_read", "cache_write_5m", "cache_write_1h")
    _limit(counts, cached, "input")
    _limit(counts, ("reasoning",), "output")
    return Usage(**counts)


def _limit(counts: dict[str, int], parts: tuple[str, ...], whole: str) -> None:
    """Forget parts that are more than the whole."""
    if sum(counts.get(name, 0) for name in parts) > counts.get(whole, 0):
        for name in parts:
            counts.pop(name, None)

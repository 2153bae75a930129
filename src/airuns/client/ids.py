"""Ids that the SDK makes: UUID version 7 (RFC 9562), sorted by time."""

import os
import time
from random import Random
from uuid import UUID

NS_PER_MS = 1_000_000

_random = Random()  # noqa: S311  # one of its own, for a program may seed the common one
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def new_id() -> UUID:
    """Return a new UUIDv7: milliseconds, 12 bits of the rest of the time, 62 random bits."""
    milliseconds, rest = divmod(time.time_ns(), NS_PER_MS)
    fraction = rest * 4096 // NS_PER_MS
    random = _random.getrandbits(62)
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random)

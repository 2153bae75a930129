"""Latency histograms: numerics of eight decimal digits a bucket (schema/81_usage_triggers.sql).

Bucket n holds times in (1.105^(n-1), 1.105^n] ms, so its middle is at most 5 % away from any of
them: (1.105 - 1) / (1.105 + 1) = 4.99 % (the mapping of DDSketch, Masson et al., VLDB 2019). Times
of 1 ms and less are in bucket 0; the last bucket, 199, begins at 117 hours. A bucket counts to
99,999,999; one more would be taken for one of the next bucket.
"""

import re
from bisect import bisect_left
from functools import cache, lru_cache
from itertools import accumulate

GAMMA = 1.105
DIGITS = 8
REMEMBERED = 4096
"""Histograms whose percentiles are known: days that are over do not change. About 8 MB."""
_bucket = re.compile(f".{{{DIGITS}}}")


def buckets(histogram: str) -> tuple[int, list[int]]:
    """Return the first bucket that holds anything, and how many tasks each from it on holds."""
    first = (len(histogram) - len(histogram.rstrip("0"))) // DIGITS
    digits = histogram[: len(histogram) - first * DIGITS]
    whole = digits.zfill(-(-len(digits) // DIGITS) * DIGITS)
    return first, [*map(int, reversed(_bucket.findall(whole)))]


@lru_cache(maxsize=REMEMBERED)
def percentiles(histogram: str, *ranks: float) -> tuple[float | None, ...]:
    """Return the times in seconds that these shares of the tasks stayed within; None of none.

    The digits of the numeric come as a text: a Decimal of them is slow to make.

    The p-quantile is the smallest time that at least p of the tasks did not exceed (the nearest
    rank), and is right within 5 %.
    """
    if histogram in ("", "0"):
        return (None,) * len(ranks)
    first, held = buckets(histogram)
    within = [*accumulate(held)]  # how many stayed within each bucket
    return tuple(middle(first + bisect_left(within, rank * within[-1])) for rank in ranks)


@cache
def middle(bucket: int) -> float:
    """Return the time in seconds that stands for a bucket."""
    if bucket == 0:
        return 0.001
    return 2 * GAMMA**bucket / (GAMMA + 1) / 1000

"""Latency histograms: numerics of eight decimal digits a bucket (schema/81_usage_triggers.sql).

Bucket n holds times in (1.105^(n-1), 1.105^n] ms, so its middle is at most 5 % away from any of
them: (1.105 - 1) / (1.105 + 1) = 4.99 % (the mapping of DDSketch, Masson et al., VLDB 2019). Times
of 1 ms and less are in bucket 0; the last bucket, 199, begins at 117 hours. A bucket counts to
99,999,999; one more would be taken for one of the next bucket.
"""

from decimal import Decimal

GAMMA = 1.105
DIGITS = 8


def buckets(histogram: Decimal) -> list[tuple[int, int]]:
    """Return the buckets that hold anything, and how many each does, from the shortest time on."""
    text = format(histogram, "f").partition(".")[0]
    counts = (
        (start // DIGITS, int(text[max(0, len(text) - start - DIGITS) : len(text) - start]))
        for start in range(0, len(text), DIGITS)
    )
    return [(bucket, count) for bucket, count in counts if count]


def percentiles(histogram: Decimal, *ranks: float) -> list[float | None]:
    """Return the times in seconds that these shares of the tasks stayed within; None of none.

    The p-quantile is the smallest time that at least p of the tasks did not exceed (the nearest
    rank), and is right within 5 %.
    """
    held = buckets(histogram)
    total = sum(count for _, count in held)
    return [_at(held, rank * total) if total else None for rank in ranks]


def _at(held: list[tuple[int, int]], wanted: float) -> float:
    seen = 0
    for bucket, count in held:
        seen += count
        if seen >= wanted:
            return middle(bucket)
    return middle(held[-1][0])


def middle(bucket: int) -> float:
    """Return the time in seconds that stands for a bucket."""
    if bucket == 0:
        return 0.001
    return 2 * GAMMA**bucket / (GAMMA + 1) / 1000

"""What lexemes begin with, so that the words of each user and bucket are apart in one index."""

import hashlib
import string
from uuid import UUID

LENGTH = 3
"""Characters of a user's prefix."""

_DIGITS = string.digits + string.ascii_letters


def prefix_of(user_id: UUID) -> str:
    """Return three characters for a user.

    Others may have the same, which costs a little time: every search names its user too.
    """
    hashed = int.from_bytes(hashlib.sha256(user_id.bytes).digest()[:8], "big")
    return _in_base_62(hashed, LENGTH)


def prefix_of_bucket(user_id: UUID, bucket: int) -> str:
    """Return five characters for a bucket of a user: the user's, and two of the bucket."""
    return prefix_of(user_id) + _in_base_62(bucket, 2)


def _in_base_62(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 62**place % 62] for place in reversed(range(length)))

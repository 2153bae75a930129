"""Vectors of a scripted embedding model: texts that share what their words mean are near."""

import math
import random
import re

DIMENSIONS = 64
REFUSED = "unspeakable"


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """The sum of a direction for each word. Of a word of 30 letters or more the last 30 count."""
    words = re.findall(r"\w+", text.lower()) or [""]
    total = [0.0] * dimensions
    for word in words:
        made = random.Random(word[-30:])
        total = [each + made.gauss(0, 1) for each in total]
    length = math.hypot(*total)
    return [each / length for each in total]

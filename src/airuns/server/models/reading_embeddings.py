"""OpenAI's embeddings as they pass by: vectors are counted, not kept.

Source: OpenAI API reference, "Create embeddings".
"""

from typing import Any

import msgspec

from airuns.server.models import openai
from airuns.server.models.heard import Fields, Heard, counts, fields, items

FLOAT_BYTES = 4


def asked(request: Fields) -> tuple[list[Fields], Fields]:
    """Return no messages, and the request."""
    return [], request


def whole(heard: Heard, told: Fields) -> None:
    """Read a whole answer."""
    heard.note(told, "id", "model")
    if usage := counts(openai.Tokens, told.get("usage")):
        heard.usage = msgspec.structs.replace(openai.usage_of(usage), output=0)
    vectors = [fields(each).get("embedding") for each in items(told.get("data"))]
    if vectors:
        heard.complete = True
        heard.data["embeddings"] = {"count": len(vectors), "dimensions": _dimensions(vectors[0])}


def _dimensions(vector: Any) -> int | None:
    """Return how many numbers a vector has, which is a list or base64 of 4 bytes each."""
    if isinstance(vector, str):
        return len(vector.rstrip("=")) * 3 // 4 // FLOAT_BYTES
    return len(items(vector)) or None

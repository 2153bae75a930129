"""Messages as they are embedded: in parts that any model takes whole."""

from airuns.server.models.estimate import tokens

PART_TOKENS = 350
MOST_PARTS = 6
EMBEDDED = ("user", "assistant")


def parts(role: str | None, text: str | None) -> list[str]:
    """Return what of a message is embedded: the first MOST_PARTS parts of about PART_TOKENS.

    Nothing of other messages than those of EMBEDDED.
    """
    if role not in EMBEDDED or not text:
        return []
    found: list[str] = []
    rest = text.strip()
    while rest and len(found) < MOST_PARTS:
        part = _first(rest)
        found.append(part.strip())
        rest = rest[len(part) :].lstrip()
    return found


def _first(text: str) -> str:
    """Return the beginning of a text, up to the end of a word where there is one nearby."""
    part = text[: PART_TOKENS * 4]
    if (size := tokens(part)) > PART_TOKENS:
        part = part[: max(1, len(part) * PART_TOKENS // size)]
    if len(part) == len(text):
        return part
    end = max(part.rfind(" "), part.rfind("\n"))
    return part[:end] if end > len(part) * 3 // 4 else part

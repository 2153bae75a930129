"""Texts of providers, made fit to be stored and shown."""

REPLACEMENT = "\ufffd"


def clean(text: str, most: int | None = None) -> str:
    """Return `text` with NUL and lone surrogates, which PostgreSQL cannot store, as U+FFFD.

    What is beyond `most` characters is cut off.
    """
    text = text[:most].replace("\0", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

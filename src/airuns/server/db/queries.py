"""Named queries: each feature keeps its SQL in one file, in blocks that begin with `-- name: …`.

The habit is procrastinate's (`procrastinate/sql`).
"""

import re
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def load(package: str) -> dict[str, str]:
    """Return the queries of `package` by name, read from its file queries.sql."""
    text = files(package).joinpath("queries.sql").read_text()
    return {match[1]: match[2].strip() for match in _BLOCK.finditer(text)}

"""Named queries: a feature keeps its SQL beside its code, in blocks that begin with `-- name: …`.

The habit is procrastinate's (`procrastinate/sql`).
"""

import re
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def load(package: str, file: str = "queries.sql") -> dict[str, str]:
    """Return the queries in a file of `package` by name."""
    text = files(package).joinpath(file).read_text()
    return {match[1]: match[2].strip() for match in _BLOCK.finditer(text)}

"""A database that knows vectors, for the tests of search by meaning."""

import psycopg

from airuns.server.db import embedded

MODEL = "openai/meaning"


def as_superuser(url: str) -> str:
    """Return the address of a database as its superuser."""
    return url.replace("airuns@", f"{embedded.SUPERUSER}@")


def with_vectors(url: str) -> str:
    """Have a database know vectors; return its address."""
    with psycopg.connect(as_superuser(url)) as root:
        root.execute("create extension vector")
    return url

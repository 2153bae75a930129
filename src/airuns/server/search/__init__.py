"""Search: runs by what was said in them, in any script."""

from airuns.server.search.routes import routes

__all__ = ["routes"]

"""The routes of search, which only a server imports: commands start quickly without them."""

from airuns.server.search.routes import routes

__all__ = ["routes"]

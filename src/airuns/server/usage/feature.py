"""The routes of usage, which only a server imports: commands start quickly without them."""

from airuns.server.usage import pages
from airuns.server.usage.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["routes"]

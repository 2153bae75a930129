"""The routes of retention, which only a server imports: commands start quickly without them."""

from airuns.server.retention import pages
from airuns.server.retention.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["routes"]

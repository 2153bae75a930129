"""The routes of exports, which only a server imports: commands start quickly without them."""

from airuns.server.exports import pages
from airuns.server.exports.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["routes"]

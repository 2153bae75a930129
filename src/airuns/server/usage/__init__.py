"""Usage: what has been used, added up by hour and by day, and what it tells."""

from airuns.server.usage import pages
from airuns.server.usage.keeping import Folding
from airuns.server.usage.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["Folding", "routes"]

"""Usage: what has been used, added up by hour and by day, and what it tells."""

from airuns.server.usage.keeping import Folding
from airuns.server.usage.routes import routes

__all__ = ["Folding", "routes"]

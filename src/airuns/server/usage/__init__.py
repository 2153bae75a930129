"""Usage: what has been used, added up by hour and by day, and what it tells."""

from airuns.server.usage.keeping import Folding

__all__ = ["Folding"]

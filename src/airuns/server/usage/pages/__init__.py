"""The page of usage: /ai/analytics."""

from airuns.server.usage.pages.dashboard import routes

__all__ = ["routes"]

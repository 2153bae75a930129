"""The page of retention: rules for old runs, the trash, and the end of an account."""

from airuns.server.retention.pages.retention import routes

__all__ = ["routes"]

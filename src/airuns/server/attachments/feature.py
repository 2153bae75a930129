"""The routes of attachments, which only a server imports: commands start quickly without them."""

from airuns.server.attachments.routes import routes

__all__ = ["routes"]

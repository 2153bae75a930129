"""Files that go with messages: stored, shown, and sent to models."""

from airuns.server.attachments.routes import routes

__all__ = ["routes"]

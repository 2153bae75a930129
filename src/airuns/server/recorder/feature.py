"""The recorder as a part of the application."""

from airuns.server.recorder.routes import routes

__all__ = ["routes"]

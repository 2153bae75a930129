"""The routes of the gateway's own settings; what it serves is app.py's."""

from airuns.server.gateway.routes import routes

__all__ = ["routes"]

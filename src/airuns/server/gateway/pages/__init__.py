"""The settings of the gateway."""

from airuns.server.gateway.pages.settings import routes

__all__ = ["routes"]

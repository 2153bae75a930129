"""Exports: runs to take away as files, and to bring back."""

from airuns.server.exports import pages
from airuns.server.exports.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["routes"]

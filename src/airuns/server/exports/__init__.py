"""Exports: runs to take away as files, and to bring back."""

from airuns.server.exports.routes import routes

__all__ = ["routes"]

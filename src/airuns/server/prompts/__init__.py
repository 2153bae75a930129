"""Prompts: saved templates with variables, and the history of their runs."""

from airuns.server.prompts.routes import routes as routes

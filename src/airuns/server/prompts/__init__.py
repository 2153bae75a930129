"""Prompts: saved templates with variables, and the history of their runs."""

from airuns.server.prompts import pages
from airuns.server.prompts import routes as api

routes = [*api.routes, *pages.routes]

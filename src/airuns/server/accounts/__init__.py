"""Who may use the server: people with passwords or one-time links, programs with keys."""

from airuns.server.accounts import pages
from airuns.server.accounts import routes as api

routes = [*api.routes, *pages.routes]

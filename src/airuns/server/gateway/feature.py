"""The routes of the gateway's own settings; what it serves is app.py's."""

from airuns.server.gateway import pages
from airuns.server.gateway.routes import routes as api

routes = [*api, *pages.routes]

"""The routes of accounts, which only a server imports: commands start quickly without them."""

from airuns.server.accounts import pages
from airuns.server.accounts import routes as api

routes = [*api.routes, *pages.routes]

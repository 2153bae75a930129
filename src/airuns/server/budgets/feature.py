"""The routes of budgets, which only a server imports: commands start quickly without them."""

from airuns.server.budgets import pages
from airuns.server.budgets.routes import routes as api

routes = [*api, *pages.routes]

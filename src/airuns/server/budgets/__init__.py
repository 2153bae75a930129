"""Budgets: how much may be spent, shown or enforced."""

from airuns.server.budgets import pages
from airuns.server.budgets.routes import routes as api

routes = [*api, *pages.routes]

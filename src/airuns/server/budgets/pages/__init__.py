"""The settings of budgets."""

from airuns.server.budgets.pages.settings import routes

__all__ = ["routes"]

"""Budgets: how much may be spent, shown or enforced."""

from airuns.server.budgets.routes import routes

__all__ = ["routes"]

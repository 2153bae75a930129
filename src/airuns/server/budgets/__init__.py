"""Budgets: how much may be spent, shown or enforced."""

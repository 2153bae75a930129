"""Prompts: saved templates with variables, and the history of their runs."""

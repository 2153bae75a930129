"""Readers of what other products export: each makes a Talk (talks.py) of a conversation."""

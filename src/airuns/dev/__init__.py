"""Tools for those who work on AI Runs: realistic stores to try and to measure it on.

Nothing of it is imported by the server.
"""

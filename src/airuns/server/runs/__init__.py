"""THE HEART: the message tree, tasks, the engine that runs them, and their live events."""

from airuns.server.runs.api import routes

__all__ = ["routes"]

"""The HTTP surface of runs: every handler parses, calls the store or the engine, and answers."""

from airuns.server.runs.api.changes import routes as changes
from airuns.server.runs.api.execute import routes as execute
from airuns.server.runs.api.lists import routes as lists
from airuns.server.runs.api.messages import routes as messages
from airuns.server.runs.api.runs import routes as runs
from airuns.server.runs.api.tasks import routes as tasks

routes = [*execute, *lists, *changes, *runs, *messages, *tasks]

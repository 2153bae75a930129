"""THE HEART: the message tree, tasks, the engine that runs them, and their live events."""

from airuns.server.runs import api, pages

routes = [*api.routes, *pages.routes]

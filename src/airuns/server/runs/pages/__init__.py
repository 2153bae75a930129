"""Pages of runs: the runner and the chat, the sidebar, the tables of runs, the palette."""

from litestar.handlers import HTTPRouteHandler

from airuns.server.runs.pages import details, grouped, palette, runner, sidebar, table
from airuns.server.runs.paths import path_of

__all__ = ["path_of", "routes"]

routes: list[HTTPRouteHandler] = [
    *runner.routes,
    *details.routes,
    *sidebar.routes,
    *palette.routes,
    *table.routes,
    *grouped.routes,
]

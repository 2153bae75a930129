"""Pages of prompts: the table, the history, the editor, the versions."""

from litestar.handlers import HTTPRouteHandler

from airuns.server.prompts.pages import editor, history, table, versions

routes: list[HTTPRouteHandler] = [
    *table.routes,
    *history.routes,
    *editor.routes,
    *versions.routes,
]

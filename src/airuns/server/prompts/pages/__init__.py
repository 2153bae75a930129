"""Pages of prompts: the table, the history, the editor, the versions."""

from litestar.handlers import HTTPRouteHandler

from airuns.server.prompts.pages import history, table

routes: list[HTTPRouteHandler] = [*table.routes, *history.routes]

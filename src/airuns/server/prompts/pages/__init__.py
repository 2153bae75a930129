"""Pages of prompts: the table, the editor, the history."""

from litestar.handlers import HTTPRouteHandler

routes: list[HTTPRouteHandler] = []

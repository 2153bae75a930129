"""Pages of exports: the choice of a format, and what is being made and can be downloaded."""

from litestar.handlers import HTTPRouteHandler

from airuns.server.exports.pages import choice, data

routes: list[HTTPRouteHandler] = [*choice.routes, *data.routes]

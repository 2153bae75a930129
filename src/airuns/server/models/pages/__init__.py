"""Pages of models: the picker, providers, prices."""

from litestar.handlers import HTTPRouteHandler

from airuns.server.models.pages import picker, prices, providers

routes: list[HTTPRouteHandler] = [*picker.routes, *providers.routes, *prices.routes]

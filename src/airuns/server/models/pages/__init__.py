"""Pages of models: the picker, providers, prices."""

from litestar.handlers import HTTPRouteHandler

routes: list[HTTPRouteHandler] = []

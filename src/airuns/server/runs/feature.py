"""The routes of runs, which only a server imports: commands start quickly without them."""

from airuns.server.runs import api, pages

routes = [*api.routes, *pages.routes]

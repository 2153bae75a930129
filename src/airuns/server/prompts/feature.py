"""The routes of prompts, which only a server imports: commands start quickly without them."""

from airuns.server.prompts import pages
from airuns.server.prompts import routes as api

routes = [*api.routes, *pages.routes]

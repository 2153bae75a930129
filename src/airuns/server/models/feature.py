"""The routes of models, which only a server imports: commands start quickly without them."""

from airuns.server.models import pages
from airuns.server.models import routes as api

routes = [*api.routes, *pages.routes]

"""Models: where they are called, how their answers are read, and what they cost."""

from airuns.server.models import pages
from airuns.server.models import routes as api

routes = [*api.routes, *pages.routes]

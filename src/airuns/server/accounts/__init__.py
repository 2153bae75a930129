"""Who may use the server: people with passwords or one-time links, programs with keys."""

from airuns.server.accounts import routes as api
from airuns.server.accounts import sign_in

routes = [*sign_in.routes, *api.routes]

"""Pages of accounts: to sign in, to set up, and the settings of one's own."""

from airuns.server.accounts.pages import settings, sign_in, welcome

routes = [*sign_in.routes, *welcome.routes, *settings.routes]

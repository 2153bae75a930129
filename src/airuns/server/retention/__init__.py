"""What becomes of old runs: rules that archive, delete and purge; the trash; a user's erasure."""

from airuns.server.retention import pages
from airuns.server.retention.routes import routes as api

routes = [*api, *pages.routes]

__all__ = ["routes"]

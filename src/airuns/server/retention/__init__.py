"""What becomes of old runs: rules that archive, delete and purge; the trash; a user's erasure."""

from airuns.server.retention.routes import routes

__all__ = ["routes"]

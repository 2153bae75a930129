"""The routes of OpenTelemetry, which only a server imports: commands start quickly without them."""

from airuns.server.otlp import routes as otlp

routes = otlp.routes

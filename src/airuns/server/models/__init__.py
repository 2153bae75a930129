"""Models: where they are called, how their answers are read, and what they cost."""

from airuns.server.models.routes import routes as routes

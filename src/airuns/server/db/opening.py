"""The way to the database of some settings: the embedded PostgreSQL, or the one that is named."""

from collections.abc import Generator
from contextlib import contextmanager

from airuns.server.db import embedded
from airuns.server.db.migrate import check_version, migrate
from airuns.server.settings import Settings


@contextmanager
def reachable(settings: Settings) -> Generator[str]:
    """Yield the URL of the database; start the embedded PostgreSQL when it does not run.

    Raises StartError when it cannot be started.
    """
    if settings.database_url:
        yield settings.database_url
        return
    with embedded.running(settings.data_dir) as url:
        yield url


@contextmanager
def ready(settings: Settings) -> Generator[str]:
    """Yield the URL of a database that has the schema of this release.

    The embedded one is migrated here; one that others run is theirs to migrate.
    Raises StartError when the database cannot be used.
    """
    with reachable(settings) as url:
        if settings.database_url:
            check_version(url)
        else:
            migrate(url)
            if settings.embedding_model:
                embedded.add_vectors(settings.data_dir)
        yield url

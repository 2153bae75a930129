"""`airuns serve`."""

import logging
import time
from pathlib import Path

import click

from airuns.cli import options


@click.command()
@options.data_dir
@click.option("--host", help="Address to listen on; default: AIRUNS_HOST, else 127.0.0.1.")
@click.option("--port", type=int, help="Port to listen on; default: AIRUNS_PORT, else 8010.")
def serve(data_dir: Path | None, host: str | None, port: int | None) -> None:
    """Start AI Runs: PostgreSQL, the local model and the web server, until Ctrl-C."""
    started = time.monotonic()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("airuns").setLevel(logging.INFO)
    settings = options.settings(data_dir=data_dir, host=host, port=port)
    from airuns.server.serve import run

    run(settings, started, click.echo)

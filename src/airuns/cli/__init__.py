"""The command `airuns`: one file per group of commands, loaded when one of its commands is run."""

import importlib
import sys

import click

from airuns import __version__
from airuns.errors import AirunsError

COMMANDS = {
    "serve": "airuns.cli.serve:serve",
    "db": "airuns.cli.db:db",
    "user": "airuns.cli.user:user",
    "key": "airuns.cli.key:key",
    "costs": "airuns.cli.costs:costs",
    "export": "airuns.cli.exports:export",
    "import": "airuns.cli.exports:import_",
    "search": "airuns.cli.search:search",
    "dev": "airuns.cli.dev:dev",
}
HELP = {
    "serve": "Start AI Runs.",
    "db": "Migrate the database, or see how it is.",
    "user": "Let people in.",
    "key": "Make, list and revoke API keys.",
    "costs": "Price past tasks anew.",
    "export": "Write runs to a file.",
    "import": "Read an archive of runs.",
    "search": "Make the index of the search anew.",
    "dev": "Tools for work on AI Runs itself.",
}


class Lazy(click.Group):
    """Imports a command's module only when it is run, so that `airuns --help` takes no time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=Lazy)
@click.version_option(__version__, prog_name="airuns")
def cli() -> None:
    """AI Runs keeps every conversation that people and programs have with language models.

    Settings come from environment variables such as AIRUNS_DATA_DIR.
    """


def main() -> None:
    """Run a command; an error that was raised on purpose is one line on stderr and exit code 1."""
    try:
        cli()
    except AirunsError as error:
        click.echo(f"airuns: {error.detail}", err=True)
        sys.exit(1)

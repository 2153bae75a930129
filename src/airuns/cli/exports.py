"""`airuns export` and `airuns import`."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, get_args
from uuid import UUID

import click

from airuns.cli import options
from airuns.errors import InvalidInput
from airuns.server.db.door import As, Database
from airuns.server.exports import formats
from airuns.server.exports.bringing import Progress, Say, import_file, say_nothing
from airuns.server.exports.coming import limits_of
from airuns.server.exports.reading import Branches, Done, Everything, Which
from airuns.server.exports.report import Report
from airuns.server.runs.lists import RunFilter

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

MOST_SHOWN = 20

of_user = click.option("--user", "username", help="Whose runs; default: the owner's.")


@click.command("export")
@of_user
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(formats.FormatName)),
    default="json",
    show_default=True,
    help="json is the archive that `airuns import` reads.",
)
@click.option("--run", "ids", type=click.UUID, multiple=True, help="This run; may be repeated.")
@click.option("--branches", type=click.Choice(get_args(Branches)), default="current")
@click.option("--source-type", help="Runs of this source.")
@click.option("--status", help="active, completed or error.")
@click.option("--tag", help="Runs with this tag.")
@click.option("--model", help="Runs with this model.")
@click.option("--starred", is_flag=True, default=None, help="Only starred runs.")
@click.option("--archived/--not-archived", default=None, help="Only archived runs, or none.")
@click.option("--deleted", is_flag=True, help="Deleted runs in place of the others.")
@click.option("--since", type=click.DateTime(), help="Last message at this time (UTC) or later.")
@click.option("--before", type=click.DateTime(), help="Last message before this time (UTC).")
@click.option("-q", "words", help="Words, each in the name or in a tag.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; default: stdout.")
@options.data_dir
def export(
    username: str | None,
    format_: Any,
    ids: tuple[UUID, ...],
    branches: Any,
    words: str | None,
    starred: bool | None,
    output: Path | None,
    data_dir: Path | None,
    **filters: Any,
) -> None:
    """Write runs to a file: all of a user's, those that filters match, or those that are named.

    As json and without --run and filters it is everything that the user has: runs, deleted ones
    too, prompts, providers (without their keys), models with own prices, budgets, and rules.
    """
    chosen = RunFilter(q=words, is_starred=starred, **_in_utc(filters))
    if ids and chosen != RunFilter():
        raise InvalidInput("Give either --run or filters.")
    which: Which = list(ids) or chosen
    if format_ == "json" and which == RunFilter():
        which = Everything()

    async def work(db: Database) -> tuple[int, int]:
        who = As((await options.whose(db, username)).id)
        ready = await formats.prepare(db, who, which, format_, branches)
        if output is None:
            return await _write(formats.blocks(ready), sys.stdout.buffer)
        unfinished = output.with_name(f"{output.name}.part")
        with unfinished.open("wb") as file:
            written = await _write(formats.blocks(ready), file)
        unfinished.replace(output)
        return written

    done, left_out = options.with_database(options.settings(data_dir=data_dir), work)
    told = f"; {left_out} without an answer were left out" if left_out else ""
    click.echo(f"{done} {'run' if done == 1 else 'runs'} exported{told}", err=True)


def _in_utc(filters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in filters.items()
    }


async def _write(pieces: AsyncGenerator[bytes | Done], file: IO[bytes]) -> tuple[int, int]:
    """Write an export; return how many runs are in it and how many were left out."""
    done = left_out = 0
    async for piece in pieces:
        if isinstance(piece, Done):
            done += not piece.left_out
            left_out += piece.left_out
        else:
            await asyncio.to_thread(file.write, piece)
    return done, left_out


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@of_user
@options.data_dir
def import_(file: Path, username: str | None, data_dir: Path | None) -> None:
    """Read FILE; what a user has already stays as it is.

    It may be an archive of `airuns export`, an export of ChatGPT or Claude (the zip, or its
    conversations.json), ShareGPT JSON, OpenAI's fine-tuning JSONL, or the logs.db of llm.
    """
    settings = options.settings(data_dir=data_dir)

    async def work(db: Database) -> Report:
        who = As((await options.whose(db, username)).id)
        with _progressing() as say:
            return await import_file(db, who, file, limits_of(settings), say)

    report = options.with_database(settings, work)
    click.echo(_table(report))
    for kind, count in report.left_out.items():
        click.echo(f"left out: {count:,} of the kind {kind}")
    for refusal in report.reasons[:MOST_SHOWN]:
        what = " ".join(filter(None, [str(refusal.id or ""), refusal.place, refusal.title]))
        click.echo(f"{refusal.kind} {what or '?'}: {refusal.reason}", err=True)
    if report.refused:
        sys.exit(1)


@contextmanager
def _progressing() -> Generator[Say]:
    """Show on a terminal how far an import is."""
    if not sys.stderr.isatty():
        yield say_nothing
        return
    steps = 1000
    shown: ProgressBar[int] = click.progressbar(
        length=steps,
        label="Importing",
        file=sys.stderr,
        item_show_func=lambda runs: None if runs is None else f"{runs:,} runs",
    )
    with shown as bar:

        def say(progress: Progress) -> None:
            bar.update(int(progress.share * steps) - bar.pos, progress.runs)

        yield say


def _table(report: Report) -> str:
    """Return what came, has grown, was there and was refused, a line for each kind."""
    columns = (report.added, report.grown, report.there, report.refused)
    lines = [f"{'kind':<12}{'added':>10}{'grown':>10}{'there':>10}{'refused':>10}"]
    for kind in dict.fromkeys(kind for column in columns for kind in column):
        counts = "".join(f"{column.get(kind, 0):>10,}" for column in columns)
        lines.append(f"{kind:<12}{counts}")
    return "\n".join(lines) if len(lines) > 1 else "There is nothing in it."

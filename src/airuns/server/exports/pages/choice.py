"""The dialog in which one chooses the format of an export."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.response import Template

from airuns.errors import NotFound
from airuns.server import ui
from airuns.server.db import queries
from airuns.server.exports.formats import FormatName
from airuns.server.given import GivenDatabase, GivenUser

SQL = queries.load(__package__ or "")


class Choice(msgspec.Struct, frozen=True):
    """A format as people choose it: `about` for one run, `of_many` for several; empty: not then."""

    name: FormatName
    label: str
    about: str
    of_many: str


CHOICES = (
    Choice("pdf", "PDF", "Pages to print or to hand on", "A ZIP with a PDF of each run"),
    Choice("markdown", "Markdown", "The conversation, for notes", "The conversations, for notes"),
    Choice("text", "Text", "The conversation, without marks", "The conversations, without marks"),
    Choice("json", "JSON archive", *("Loses nothing, and can be imported again",) * 2),
    Choice("csv", "CSV of runs", "", "A row for each run, for spreadsheets"),
    Choice("tasks-csv", "CSV of tasks", *("Each request to a model: tokens, cost, times",) * 2),
    Choice(
        "jsonl",
        "Fine-tuning JSONL",
        "The messages up to the last answer, to train a model",
        "A line for each run that has an answer, to train a model",
    ),
)
LABELS = {choice.name: choice.label for choice in CHOICES}


class Chosen(msgspec.Struct, frozen=True):
    """The run that is to be exported."""

    name: str
    has_branches: bool


@get("/ai/exports/choice", include_in_schema=False)
async def choose(
    request: Request[Any, Any, Any],
    who: GivenUser,
    db: GivenDatabase,
    run_id: FromQuery[UUID | None] = None,
    runs: Annotated[int, QueryParameter(ge=0)] = 0,
    newest: FromQuery[bool] = False,
) -> Template:
    """Answer with the dialog for a run, or for so many `runs`, the `newest` of more."""
    run: Chosen | None = None
    if run_id is not None:
        async with db.transaction(who) as tx:
            run = await tx.one(Chosen, SQL["run_chosen"], user_id=who.user_id, run_id=run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id}.", field="run_id")
    return ui.page(
        request, "exports/pages/_choice.html", run=run, runs=runs, newest=newest, choices=CHOICES
    )


routes: list[HTTPRouteHandler] = [choose]

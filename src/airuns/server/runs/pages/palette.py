"""What the command palette finds: runs by name and by what was said in them, and prompts."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.db.door import Transaction
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.prompts import lists as prompt_lists
from airuns.server.runs import lists
from airuns.server.runs.paths import path_of
from airuns.server.runs.records import RunRow
from airuns.server.search import store as searching
from airuns.server.search.match import Piece, nearer
from airuns.server.text import check_text
from airuns.server.ui.asking import zone_of

ROWS = 10
RUNS = 5
PROMPTS = 3
LATEST = 5

Words = Annotated[str, QueryParameter(description="Words of a name, or of a message.")]


class Named(msgspec.Struct, frozen=True):
    """A run with its name in pieces, and where it leads."""

    run: RunRow
    name: list[Piece]
    path: str


@get("/ai/palette", include_in_schema=False)
async def palette(
    request: Request[Any, Any, Any], who: GivenUser, db: GivenDatabase, q: Words = ""
) -> Template:
    """Show the runs, messages and prompts that have these words; without words the latest runs."""
    check_text(q, "q")
    words = q.strip()
    async with db.transaction(who) as tx:
        if not words:
            return ui.page(
                request,
                "runs/pages/_palette.html",
                q="",
                runs=await _latest(tx, who.user_id),
                said=[],
                prompts=[],
            )
        asked = prompt_lists.Asked(None, PROMPTS)
        prompts = await prompt_lists.prompts(tx, who.user_id, asked, q=words)
        named = await searching.suggest(tx, who.user_id, words, RUNS)
        room = ROWS - len(named) - len(prompts.items)
        most = room + len(named)
        found = await searching.said(tx, who.user_id, words, most, zone=zone_of(request))
    shown = {each.run.id for each in named}
    said = [hit for hit in found if hit.message_id and hit.run.id not in shown]
    return ui.page(
        request,
        "runs/pages/_palette.html",
        q=words,
        runs=named,
        said=said[:room],
        prompts=prompts.items,
        nearer=nearer,
    )


async def _latest(tx: Transaction, user_id: UUID) -> list[Named]:
    which = lists.RunFilter(archived=False)
    page = await lists.runs(tx, user_id, which, "recent", None, LATEST)
    return [
        Named(run, [Piece(run.name, is_hit=False)], path_of(run.id, run.prompt_id))
        for run in page.items
    ]


routes = [palette]

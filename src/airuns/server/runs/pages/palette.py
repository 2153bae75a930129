"""What the command palette finds: runs and prompts by name, or the latest ones."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.given import GivenDatabase, GivenUser
from airuns.server.prompts import lists as prompt_lists
from airuns.server.runs import lists
from airuns.server.runs.pages.paths import path_of
from airuns.server.text import check_text

RUNS = 7
PROMPTS = 5
LATEST = 5

Words = Annotated[str, QueryParameter(description="Words of a name.")]


@get("/ai/palette", include_in_schema=False)
async def palette(
    request: Request[Any, Any, Any], who: GivenUser, db: GivenDatabase, q: Words = ""
) -> Template:
    """Show the runs and prompts whose names have these words; without words the latest runs."""
    check_text(q, "q")
    words = q.strip()
    which = lists.RunFilter(q=words or None, archived=None if words else False)
    async with db.transaction(who) as tx:
        runs = await lists.runs(tx, who.user_id, which, "recent", None, RUNS if words else LATEST)
        asked = prompt_lists.Asked(None, PROMPTS)
        prompts = await prompt_lists.prompts(tx, who.user_id, asked, q=words) if words else None
    return ui.page(
        request,
        "runs/pages/_palette.html",
        q=words,
        runs=runs.items,
        prompts=prompts.items if prompts else [],
        path_of=path_of,
    )


routes = [palette]

"""The runs of all prompts, by prompt: the prompt that was used last comes first."""

from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from airuns.server import ui
from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.given import Cursor, GivenDatabase, GivenUser
from airuns.server.pages import Page, decode_cursor, page_of
from airuns.server.runs.lists import CONTAINING, all_of
from airuns.server.runs.pages.asked import AnyRequest, Asked
from airuns.server.runs.pages.table import TableContext
from airuns.server.runs.records import RunRow
from airuns.server.text import check_text

SQL = queries.load(__package__ or "")
PATH = "/ai/prompts/runs"
PAGE = 10
NEWEST = 3
COUNTED = 1000
OF_PROMPT = "strpos(p.name_key, lower(%({word})s)) > 0"

GroupCursor = tuple[Literal["groups"], datetime, UUID]


class Head(msgspec.Struct, frozen=True):
    """A prompt, and when one of its runs was last active. `runs` stops at COUNTED."""

    id: UUID
    name: str
    last_message_at: datetime
    runs: int

    @property
    def count_label(self) -> str:
        """Return the number of runs, as 412 or 999+."""
        return f"{self.runs:,}" if self.runs < COUNTED else f"{COUNTED - 1}+"


class Group(msgspec.Struct, frozen=True):
    """A prompt with its newest runs."""

    prompt: Head
    runs: list[RunRow]


async def groups(
    tx: Transaction, user_id: UUID, q: str, cursor: str | None, limit: int
) -> Page[Group]:
    """Return a page of prompts with their newest runs; a word of `q` is in a run or its prompt."""
    filters, params = _containing(q)
    after: dict[str, Any] = {"after": None, "after_id": None}
    if cursor is not None:
        _, after["after"], after["after_id"] = decode_cursor(cursor, GroupCursor)
    heads = await tx.all(
        Head,
        SQL["run_groups"].format(filters=filters),
        user_id=user_id,
        limit=limit + 1,
        counted=COUNTED,
        **after,
        **params,
    )
    page = page_of(heads, limit, lambda head: ("groups", head.last_message_at, head.id))
    newest = await tx.all(
        RunRow,
        SQL["run_groups_newest"].format(filters=filters),
        user_id=user_id,
        prompt_ids=[head.id for head in page.items],
        newest=NEWEST,
        **params,
    )
    runs = {key: list(found) for key, found in groupby(newest, lambda run: run.prompt_id)}
    return Page([Group(head, runs.get(head.id, [])) for head in page.items], page.next_cursor)


def _containing(q: str) -> tuple[str, dict[str, Any]]:
    params = {f"word_{number}": word for number, word in enumerate(q.split())}
    clauses = [f"({CONTAINING} or {OF_PROMPT})".format(word=name) for name in params]
    return all_of(clauses), params


@get(PATH, include_in_schema=False)
async def grouped_page(
    request: AnyRequest,
    db: GivenDatabase,
    who: GivenUser,
    q: Annotated[str, QueryParameter(max_length=200)] = "",
    cursor: Cursor = None,
) -> Template:
    """Show the prompts that have runs, 10 at a time; to a script the part that it puts in."""
    q = q.strip()
    check_text(q, "q")
    async with db.transaction(who) as tx:
        page = await groups(tx, who.user_id, q, cursor, PAGE)
    part = "_run_groups.html" if cursor else "_grouped.html"
    return ui.page(
        request,
        f"runs/pages/{part if ui.wants_part(request) else 'grouped.html'}",
        headers=None if cursor else {"HX-Push-Url": path(q)},
        table=TableContext(asked=Asked(), page=Page([], None)),
        groups=page,
        q=q,
        address=path(q),
        more=path(q, page.next_cursor) if page.next_cursor else None,
    )


def path(q: str, cursor: str | None = None) -> str:
    """Return the shortest address of the page."""
    given = {name: value for name, value in (("q", q), ("cursor", cursor)) if value}
    return f"{PATH}?{urlencode(given)}" if given else PATH


routes: list[HTTPRouteHandler] = [grouped_page]

"""What a table of runs is asked for, as its address says it."""

from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request

from airuns.server.runs.api.lists import LastStatus
from airuns.server.runs.lists import RunFilter, RunSort
from airuns.server.search import match
from airuns.server.search.query import Filter, Query, parse, text_of
from airuns.server.ui import asking
from airuns.server.ui.asking import Chip
from airuns.wire import SourceType

AnyRequest = Request[Any, Any, Any]
View = Literal["all", "archived", "deleted"]
FoundSort = Literal["relevance", "date"]

STATUSES = get_args(LastStatus)

SORT_NAMES: dict[RunSort, str] = {
    "recent": "Most recent",
    "oldest": "Oldest",
    "name": "Name",
    "messages": "Most messages",
    "cost": "Most cost",
}

FOUND_SORT_NAMES: dict[FoundSort, str] = {"relevance": "Relevance", "date": "Newest match"}

FILTERS = {
    "source": "Source",
    "status": "Status",
    "starred": "Starred",
    "tag": "Tag",
    "model": "Model",
    "since": "Active from",
    "until": "Active until",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A view, filters and an order. An empty text does not filter; dates are the reader's days.

    `q` is what is searched for; while somebody is `typing`, its last word may be the beginning of
    one. What is deleted is not indexed: there names and tags are searched.
    """

    view: View = "all"
    sort: RunSort | FoundSort = "recent"
    q: str = ""
    typing: Literal["", "true"] = ""
    source: SourceType | Literal[""] = ""
    status: LastStatus | Literal[""] = ""
    starred: Literal["", "true"] = ""
    tag: str = ""
    model: str = ""
    since: str = ""
    until: str = ""
    prompt_id: UUID | None = None
    zone: str = "UTC"

    @property
    def filter(self) -> RunFilter:
        """Return the filter of the store."""
        source = "prompt" if self.prompt_id else self.source or None
        return RunFilter(
            source_type=source,
            source_id=str(self.prompt_id) if self.prompt_id else None,
            last_status=self.status or None,
            is_starred=True if self.starred else None,
            tag=self.tag or None,
            model=self.model or None,
            since=self._midnight(self.since),
            before=self._midnight(self.until, days=1),
            archived=None if self.view == "deleted" else self.view == "archived",
            deleted=self.view == "deleted",
            q=self.q or None,
        )

    @property
    def within(self) -> RunFilter:
        """Return the list that is searched; `is:archived` may ask for another archive."""
        archived = True if self.view == "archived" else None
        return msgspec.structs.replace(self.filter, q=None, archived=archived)

    @property
    def is_search(self) -> bool:
        """Say whether messages are searched."""
        return bool(self.q) and self.view != "deleted"

    @property
    def query(self) -> Query:
        """Return what is searched for."""
        return parse(self.q if self.is_search else "", is_typing=bool(self.typing))

    @property
    def has_words(self) -> bool:
        """Say whether there is a word to search for, and not filters alone."""
        return match.templates(self.query) is not None

    @property
    def order(self) -> RunSort | FoundSort:
        """Return the order of what is shown: what is found has others than lists."""
        if self.has_words:
            return "date" if self.sort == "date" else "relevance"
        return self.list_sort

    @property
    def list_sort(self) -> RunSort:
        """Return the order where nothing is searched for."""
        return "recent" if self.sort == "relevance" or self.sort == "date" else self.sort

    @property
    def sort_names(self) -> dict[Any, str]:
        """Return what the choice of an order offers."""
        return FOUND_SORT_NAMES if self.has_words else SORT_NAMES

    @property
    def api_filter(self) -> dict[str, Any]:
        """Return the same as POST /api/runs/changes takes it."""
        which = msgspec.structs.asdict(self.filter)
        which["starred"] = which.pop("is_starred")
        return {name: value for name, value in which.items() if value is not None} | {
            "archived": which["archived"]
        }

    @property
    def matching(self) -> str:
        """Return the address of the ids of all runs that a search finds."""
        _, _, asked = self.path().partition("?")
        of_prompt = f"&{urlencode({'prompt_id': str(self.prompt_id)})}" if self.prompt_id else ""
        return f"/ai/runs/matching?{asked}{of_prompt}"

    @property
    def title(self) -> str:
        """Return what the list is called."""
        if self.view != "all":
            return self.view.title()
        return "Starred" if self.starred else "All runs"

    @property
    def is_never(self) -> bool:
        """Say whether no day is asked for, as it ends before it begins."""
        return bool(self.since and self.until and self.until < self.since)

    def _midnight(self, day: str, days: int = 0) -> datetime | None:
        if not day:
            return None
        moment = date.fromisoformat(day) + timedelta(days=days)
        return datetime.combine(moment, time(), ZoneInfo(self.zone))

    def path(self, cursor: str | None = None, **changes: Any) -> str:
        """Return the shortest address of the list, with some of it changed."""
        changed = msgspec.structs.replace(self, **changes)
        values = msgspec.structs.asdict(changed) | {"sort": changed.order}
        del values["prompt_id"], values["zone"]
        if not changed.is_search:
            values["typing"] = ""
        for name, default in (("view", "all"), ("sort", next(iter(changed.sort_names)))):
            if values[name] == default:
                values[name] = ""
        given = {name: value for name, value in values.items() if value}
        query = urlencode(given | ({"cursor": cursor} if cursor else {}))
        return f"{self.base}?{query}" if query else self.base

    @property
    def base(self) -> str:
        """Return the address of the table without anything that is asked."""
        return f"/ai/prompts/{self.prompt_id}/runs" if self.prompt_id else "/ai/runs"

    @property
    def unfiltered(self) -> str:
        """Return the address of the same view without filters, typed or chosen."""
        words = text_of(tuple(self.query.terms)) if self.is_search else self.q
        return self.path(**dict.fromkeys(FILTERS, ""), q=words)

    @property
    def cleared(self) -> str:
        """Return the address of the same view with nothing that is asked."""
        return self.base if self.view == "all" else f"{self.base}?view={self.view}"

    @property
    def chips(self) -> list[Chip]:
        """Return the filters that are set, and then those that are typed, which have no field."""
        chosen = [
            Chip(field, key, getattr(self, field), self.path(**{field: ""}))
            for field, key in FILTERS.items()
            if getattr(self, field)
        ]
        return [*chosen, *self.typed]

    @property
    def typed(self) -> list[Chip]:
        """Return the filters among what is searched for."""
        query = self.query
        return [
            Chip(
                "",
                f"Not {chip.kind}" if chip.is_not else chip.kind.capitalize(),
                chip.label,
                self.path(q=chip.without, typing=""),
            )
            for chip, item in zip(query.chips, query.items, strict=True)
            if isinstance(item, Filter)
        ]


def asked_of(request: AnyRequest, prompt_id: UUID | None = None) -> Asked:
    """Read what an address asks for. Raises InvalidInput."""
    more = {"prompt_id": prompt_id} if prompt_id else {}
    zone = asking.zone_of(request).key
    return asking.read(request, Asked, {"since", "until"}, zone=zone, **more)

"""What a table of runs is asked for, as its address says it."""

from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request

from airuns.errors import InvalidInput
from airuns.server import ui
from airuns.server.runs.api.lists import LastStatus
from airuns.server.runs.lists import RunFilter, RunSort
from airuns.server.runs.submission import SourceType
from airuns.server.text import check_text
from airuns.server.ui import formats

AnyRequest = Request[Any, Any, Any]
View = Literal["all", "archived", "deleted"]

LONGEST = 300
STATUSES = get_args(LastStatus)

SORT_NAMES: dict[RunSort, str] = {
    "recent": "Most recent",
    "oldest": "Oldest",
    "name": "Name",
    "messages": "Most messages",
    "cost": "Most cost",
}


FILTERS = {
    "source": "Source",
    "status": "Status",
    "starred": "Starred",
    "tag": "Tag",
    "model": "Model",
    "since": "Active from",
    "until": "Active until",
}


class Chip(msgspec.Struct, frozen=True):
    """A filter that is set: the field that edits it, what it says, and the address without it."""

    field: str
    key: str
    value: str
    without: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A view, filters and an order. An empty text does not filter; dates are the reader's days."""

    view: View = "all"
    sort: RunSort = "recent"
    q: str = ""
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
    def api_filter(self) -> dict[str, Any]:
        """Return the same as POST /api/runs/changes takes it."""
        which = msgspec.structs.asdict(self.filter)
        which["starred"] = which.pop("is_starred")
        return {name: value for name, value in which.items() if value is not None} | {
            "archived": which["archived"]
        }

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
        values = msgspec.structs.asdict(self) | changes
        del values["prompt_id"], values["zone"]
        for name, default in (("view", "all"), ("sort", "recent")):
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
        """Return the address of the same view without filters."""
        return self.path(**dict.fromkeys(FILTERS, ""))

    @property
    def chips(self) -> list[Chip]:
        """Return the filters that are set, but the words that are searched."""
        return [
            Chip(field, key, getattr(self, field), self.path(**{field: ""}))
            for field, key in FILTERS.items()
            if getattr(self, field)
        ]


def asked_of(request: AnyRequest, prompt_id: UUID | None = None) -> Asked:
    """Read what an address asks for. Raises InvalidInput."""
    given: dict[str, Any] = {
        name: value.strip()
        for name, value in request.query_params.items()
        if name in Asked.__struct_fields__ and isinstance(value, str) and value.strip()
    }
    given["zone"] = formats.zone(request.cookies.get(ui.ZONE_COOKIE, "UTC")).key
    if prompt_id is not None:
        given["prompt_id"] = str(prompt_id)
    check_text(given)
    for name, value in given.items():
        if len(value) > LONGEST:
            raise InvalidInput(f"{name} has at most {LONGEST} characters.", field=name)
    for name in {"since", "until"} & given.keys():
        _check_day(name, given[name])
    try:
        return msgspec.convert(given, Asked)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        field = path.strip("`") or "filter"
        raise InvalidInput(f"{field}: {message}", field=field) from None


def _check_day(name: str, value: str) -> None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"{name} is a day, as 2026-11-21.", field=name) from None
    if not 1970 <= day.year <= 2999:
        raise InvalidInput(f"{name} is a day of the years 1970 to 2999.", field=name)

"""What a history is asked for, as its address says it."""

from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request

from airuns.server.prompts.history import HistoryFilter, Status
from airuns.server.ui import asking
from airuns.server.ui.asking import Chip

DAYS = 30
MOST_DAYS = 3650
FILTERS = {
    "status": "Status",
    "model": "Model",
    "version": "Version",
    "tag": "Tag",
    "since": "From",
    "until": "Until",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of a prompt's history. An empty text does not filter; days are the reader's."""

    prompt_id: UUID
    q: str = ""
    status: Status | Literal[""] = ""
    model: str = ""
    version: str = ""
    tag: str = ""
    since: str = ""
    until: str = ""
    zone: str = "UTC"

    @property
    def filter(self) -> HistoryFilter:
        """Return the filter of the store."""
        return HistoryFilter(
            status=self.status or None,
            model=self.model or None,
            version=int(self.version) if self.version.isdecimal() else None,
            tag=self.tag or None,
            since=self._midnight(self.since),
            before=self._midnight(self.until, days=1),
            q=self.q or None,
        )

    def _midnight(self, day: str, days: int = 0) -> datetime | None:
        if not day:
            return None
        moment = date.fromisoformat(day) + timedelta(days=days)
        return datetime.combine(moment, time(), ZoneInfo(self.zone))

    @property
    def days(self) -> tuple[datetime, datetime] | None:
        """Return from when until when usage is shown; None when that is no time at all."""
        today = datetime.now(ZoneInfo(self.zone)).date()
        until = self._midnight(self.until or today.isoformat(), days=1)
        since = self._midnight(self.since) if self.since else None
        if until is not None and since is None:
            since = until - timedelta(days=DAYS)
        if since is None or until is None or since >= until:
            return None
        return max(since, until - timedelta(days=MOST_DAYS)), until

    @property
    def chips(self) -> list[Chip]:
        """Return the filters that are set."""
        return [
            Chip(field, key, getattr(self, field), self.path(**{field: ""}))
            for field, key in FILTERS.items()
            if getattr(self, field)
        ]

    @property
    def unfiltered(self) -> str:
        """Return the address without filters."""
        return self.path(**dict.fromkeys(FILTERS, ""))

    @property
    def download(self) -> str:
        """Return the address of all that the history has, as a file."""
        which = msgspec.structs.asdict(self.filter)
        given = {name: value for name, value in which.items() if value is not None}
        for name in {"since", "before"} & given.keys():
            given[name] = given[name].isoformat()
        base = f"/api/prompts/{self.prompt_id}/history.csv"
        return f"{base}?{urlencode(given)}" if given else base

    def path(self, cursor: str | None = None, **changes: Any) -> str:
        """Return the shortest address of the history, with some of it changed."""
        values = msgspec.structs.asdict(self) | changes | {"cursor": cursor}
        base = f"/ai/prompts/{values.pop('prompt_id')}/history"
        del values["zone"]
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{base}?{query}" if query else base


def asked_of(request: Request[Any, Any, Any], prompt_id: UUID) -> Asked:
    """Read what an address asks for. Raises InvalidInput."""
    zone = asking.zone_of(request).key
    return asking.read(request, Asked, {"since", "until"}, prompt_id=prompt_id, zone=zone)

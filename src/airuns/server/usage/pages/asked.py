"""What the dashboard is asked for, as its address says it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request

from airuns.errors import InvalidInput
from airuns.server.ui import asking
from airuns.server.ui.asking import Chip
from airuns.server.usage.filters import UsageFilter

AnyRequest = Request[Any, Any, Any]

Period = Literal["7d", "30d", "month", "year", ""]
Metric = Literal["cost", "tokens", "tasks"]
Time = Literal["first", "total"]
Dimension = Literal["model", "provider", "prompt", "source", "key", "tag"]

GivenId = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]

PERIODS: dict[Period, str] = {
    "7d": "7 days",
    "30d": "30 days",
    "month": "This month",
    "year": "Year",
}
METRICS: dict[Metric, str] = {"cost": "Cost", "tokens": "Tokens", "tasks": "Tasks"}
TIMES: dict[Time, str] = {"first": "First token", "total": "Whole answer"}
DIMENSIONS: dict[Dimension, str] = {
    "model": "Model",
    "provider": "Provider",
    "prompt": "Prompt",
    "source": "Source",
    "key": "Key",
    "tag": "Tag",
}
FILTERS = {
    "model": "Model",
    "provider": "Provider",
    "prompt": "Prompt",
    "source": "Source",
    "key": "Key",
    "tag": "Tag",
    "status": "Status",
}
DEFAULTS = {"period": "30d", "by": "model", "show": "cost", "time": "first"}
DAYS = {"7d": 7, "30d": 30, "year": 365}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A period, a grouping and filters. An empty text does not filter; days are the reader's."""

    period: Period = "30d"
    since: str = ""
    until: str = ""
    by: Dimension = "model"
    show: Metric = "cost"
    time: Time = "first"
    model: str = ""
    provider: str = ""
    prompt: GivenId = ""
    source: str = ""
    key: GivenId = ""
    tag: str = ""
    status: str = ""
    zone: str = "UTC"
    today: date = date(1970, 1, 1)

    @property
    def period_shown(self) -> Period:
        """Return the period of the choice that is shown; none while days are chosen."""
        return "" if self.since or self.until else self.period

    @property
    def first_day(self) -> date:
        """Return the first day that is shown."""
        if self.since:
            return date.fromisoformat(self.since)
        if self.period == "month" and not self.until:
            return self.today.replace(day=1)
        return self.last_day - timedelta(days=DAYS.get(self.period, 30) - 1)

    @property
    def last_day(self) -> date:
        """Return the last day that is shown."""
        return date.fromisoformat(self.until) if self.until else self.today

    @property
    def begin(self) -> datetime:
        """Return the moment at which the first day begins."""
        return self._midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """Return the moment at which the last day is over."""
        return self._midnight(self.last_day + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def chips(self) -> list[Chip]:
        """Return the filters that are set."""
        return [
            Chip(field, key, str(getattr(self, field)), self.path(**{field: ""}))
            for field, key in FILTERS.items()
            if getattr(self, field)
        ]

    @property
    def unfiltered(self) -> str:
        """Return the address of the same view without filters."""
        return self.path(**dict.fromkeys(FILTERS, ""))

    @property
    def hidden(self) -> dict[str, str]:
        """Return what the form of the filters sends along."""
        given = {name: getattr(self, name) for name in ("period", "show", "time")}
        return {name: value for name, value in given.items() if value != DEFAULTS[name]}

    @property
    def filter(self) -> UsageFilter:
        """Return the filter of the store."""
        return UsageFilter(
            since=self.begin,
            until=self.end,
            source_type=self.source or None,
            prompt_id=UUID(self.prompt) if self.prompt else None,
            provider=self.provider or None,
            model=self.model or None,
            key_id=UUID(self.key) if self.key else None,
            status=self.status or None,
            tag=self.tag or None,
            zone=self.zone,
        )

    def download(self, name: str, form: str) -> str:
        """Return the address of a table of the dashboard as a file."""
        which = msgspec.structs.asdict(self.filter)
        given = {key: str(value) for key, value in which.items() if value is not None}
        given |= {
            "since": f"{self.begin:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
        }
        return f"/api/analytics/{name}.{form}?{urlencode(given)}"

    def __getitem__(self, field: str) -> str:
        """Return a filter as its field says it."""
        return str(getattr(self, field))

    def values(self, **changes: Any) -> dict[str, str]:
        """Return what the shortest address says, with some of it changed."""
        values = msgspec.structs.asdict(self) | changes
        del values["zone"], values["today"]
        return {
            name: str(value)
            for name, value in values.items()
            if value and value != DEFAULTS.get(name)
        }

    def path(self, **changes: Any) -> str:
        """Return the shortest address of the dashboard, with some of it changed."""
        query = urlencode(self.values(**changes))
        return f"/ai/analytics?{query}" if query else "/ai/analytics"


def asked_of(request: AnyRequest) -> Asked:
    """Read what an address asks for. Raises InvalidInput."""
    zone = asking.zone_of(request)
    today = datetime.now(zone).date()
    asked = asking.read(request, Asked, {"since", "until"}, zone=zone.key, today=today)
    if asked.last_day < asked.first_day:
        raise InvalidInput("The period ends before it begins.", field="until")
    return asked

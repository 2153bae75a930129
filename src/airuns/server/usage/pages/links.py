"""Where the numbers of the dashboard lead: the runs behind them."""

from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from airuns.server.usage.filters import following
from airuns.server.usage.pages.asked import Asked
from airuns.server.usage.records import Dashboard, ExpensiveRun, Link, Part

# What the page of runs calls what the API calls so.
NAMES = {"source_type": "source", "last_status": "status", "tag": "tag", "model": "model"}


def runs_link(query: Link | None, since: str, until: str) -> str:
    """Return the page of the runs of a query that were active in some days; "" without one."""
    if query is None:
        return ""
    base = f"/ai/prompts/{query['prompt_id']}/runs" if "prompt_id" in query else "/ai/runs"
    given = {name: query[key] for key, name in NAMES.items() if key in query}
    return f"{base}?{urlencode(given | {'since': since, 'until': until})}"


def part_link(asked: Asked, part: Part) -> str:
    """Return the page of the runs behind a row of a breakdown."""
    return runs_link(part.runs_query, f"{asked.first_day}", f"{asked.last_day}")


def run_link(run: ExpensiveRun) -> str:
    """Return the page of a run."""
    prompt = f"prompts/run/{run.prompt_id}" if run.prompt_id else "chat"
    return f"/ai/{prompt}/{run.id}"


def step_days(asked: Asked, dashboard: Dashboard, at: datetime) -> tuple[str, str]:
    """Return the first and the last of the reader's days that a step has."""
    zone = ZoneInfo(asked.zone)
    end = following(at, dashboard.step, dashboard.zone) - timedelta(microseconds=1)
    return f"{at.astimezone(zone).date()}", f"{end.astimezone(zone).date()}"

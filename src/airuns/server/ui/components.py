"""/dev/components: every part of the pages in every state, by the partials that pages use.

It is served only with AIRUNS_DEV. What it shows is made up here.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.response import Template

from airuns.server import ui
from airuns.server.ui.charts import SERIES, Cell, Chart, Column, Row, spark
from airuns.server.ui.formats import count, money

SECTIONS = {
    "buttons": "Buttons",
    "fields": "Fields",
    "badges": "Badges and chips",
    "list": "Run list",
    "tables": "Table rows",
    "messages": "Messages",
    "history": "Run history",
    "composer": "Composer",
    "menu": "Menu and toasts",
    "dialogs": "Dialogs",
    "details": "Details",
    "palette": "Command palette",
    "keys": "Keyboard help",
    "empty": "Empty",
    "nomatch": "No match, and errors",
    "loading": "Loading",
    "charts": "Charts",
    "files": "Files",
    "compare": "Compare and diff",
    "tokens": "Type and colour",
}
TOKENS = (
    *("canvas", "sheet", "raised", "sunken", "bubble", "hairline", "edge"),
    *("ink-3", "ink-2", "ink", "accent", "accent-soft", "success", "error", "warning", "star"),
    *(f"series-{number}" for number in range(1, 7)),
)
CODE = """Reading `settings.prod.toml`, one line lowers the pool:

```toml
[database]
pool_size = 2  # was 20
```

| cause | since |
| --- | --- |
| Pool too small | 14:02 |
"""


def _id(number: int) -> UUID:
    return UUID(int=0x019AA41C_8E02_7D1B_9F3A_000000000000 + number)


def _run(number: int, name: str, preview: str, **more: Any) -> SimpleNamespace:
    moment = datetime.now(UTC) - timedelta(hours=number * 9)
    given: dict[str, Any] = {
        "id": _id(number),
        "name": name,
        "preview": preview,
        "source_type": "prompt",
        "prompt_id": None,
        "tags": [],
        "is_starred": False,
        "model": "openai/gpt-5-mini",
        "message_count": 9,
        "total_tokens": 9114,
        "total_cost": Decimal("0.0062"),
        "last_task_status": "completed",
        "task_count": 4,
        "archived_at": None,
        "deleted_at": None,
        "created_at": moment,
        "last_message_at": moment,
    }
    return SimpleNamespace(**(given | more))


def _task(number: int, status: str, **more: Any) -> SimpleNamespace:
    given: dict[str, Any] = {
        "task_id": _id(100 + number),
        "request_message_id": None,
        "provider": "openai",
        "model": "gpt-5",
        "name": "openai/gpt-5",
        "tokens_input": 1204,
        "tokens_output": 188,
        "usage_estimated": False,
        "cost": Decimal("0.0034"),
        "time_to_first_token": 0.94,
        "total_time": 4.1,
        "status": status,
        "response_errors": None,
        "kept": 0,
        "reasoning": None,
        "is_cut": False,
        "created_at": datetime.now(UTC),
        "is_running": status == "streaming",
    }
    return SimpleNamespace(**(given | more))


def _turn(number: int, role: str, text: str, task: Any = None, versions: int = 1) -> Any:
    siblings = [_id(200 + number + 10 * version) for version in range(versions)]
    message = SimpleNamespace(
        id=siblings[-1], parent_id=None, role=role, siblings=siblings, metadata={}, task_id=None
    )
    message.created_at = datetime.now(UTC)
    more: dict[str, Any] = {
        "data": {},
        "attached": [],
        "links": [],
        "unanswered": None,
        "version": versions,
    }
    before = siblings[-2] if versions > 1 else None
    return SimpleNamespace(message=message, text=text, task=task, before=before, after=None, **more)


def _execution(number: int, status: str, **more: Any) -> SimpleNamespace:
    given: dict[str, Any] = {
        "id": _id(300 + number),
        "run_id": _id(1),
        "status": status,
        "model": "openai/gpt-5",
        "created_at": datetime.now(UTC) - timedelta(minutes=number * 7),
        "error_message": None,
        "asked": "Review annex C of the Halden agreement",
        "execution_time_ms": 4_112,
        "tokens_input": 1204,
        "tokens_output": 188,
        "cost": Decimal("0.0034"),
    }
    return SimpleNamespace(**(given | more))


RUNS = (
    ("Checkout latency after the Tuesday deploy", "For the status page: Between 14:02", "pending"),
    ("Release notes 4.2, second pass", "Shorter. The part on retention reads", "completed"),
    (
        "Contract reviewer: Halden Logistics master services agreement, annex C",
        "The liability cap excludes data loss. I would push back on 11.4",
        "completed",
    ),
    ("Fix flaky test on CI", "The provider closed the connection after 60 s", "error"),
    ("תקציר ישיבת הנהלה", "שלוש החלטות ושתי משימות פתוחות", "timeout"),
    ("Nightly digest: support inbox", "No answer within 120 s", "cancelled"),
)


def _runs() -> list[SimpleNamespace]:
    runs = [
        _run(number, name, preview, last_task_status=status, is_starred=number % 3 == 2)
        for number, (name, preview, status) in enumerate(RUNS)
    ]
    runs[1].source_type, runs[1].model = "chat", None
    runs[2].tags = ["legal", "halden", "annex"]
    runs[5].source_type, runs[5].total_cost, runs[5].total_tokens = "action", None, None
    return runs


MODELS = ("claude-opus-4-1", "gpt-5", "gemini-2.5-flash", "deepseek-v3.2", "qwen3-32b", "the rest")
COSTS = (3, 8, 11, 10, 0, None, 2, 9, 14, 13, 26, 18, 4, 3, 12, 15, 11, 0, 1, 9)


def _costs() -> Chart:
    def cells(day: int, cost: int | None) -> list[Cell]:
        parts = [None if cost is None else Decimal(cost * (7 - at) + day) / 40 for at in range(6)]
        return [Cell(None if part is None else float(part), money(part)) for part in parts]

    rows = [
        Row(f"{day} November", f"{day} Nov", cells(day, cost), "#the-charts", f"{day}", f"{day}")
        for day, cost in enumerate(COSTS, 1)
    ]
    columns = [Column(name, style) for name, style in zip(MODELS, (*SERIES, "rest"), strict=True)]
    total = [money(None if cost is None else Decimal(cost)) for cost in COSTS]
    return Chart("Cost per day by model", "bars", "usd", "Day", columns, rows, total)


def _latency() -> Chart:
    def cell(value: float | None) -> Cell:
        return Cell(value, "—" if value is None else f"{value:.2f} s")

    values = [None if at == 7 else 0.5 + (at * 7 % 11) / 20 for at in range(30)]
    rows = [
        Row(f"{at}:00", f"{at}:00", [cell(value), cell(value and value * 2.2)])
        for at, value in enumerate(values)
    ]
    columns = [Column("p50", "s1"), Column("p95", "s2")]
    return Chart("Time to first token", "lines", "seconds", "Hour", columns, rows)


def _errors() -> Chart:
    rows = [
        Row(
            f"{at} November",
            f"{at} Nov",
            [Cell(at % 4, count(at % 4)), Cell(at % 3, count(at % 3))],
        )
        for at in range(1, 15)
    ]
    columns = [Column("Error", "bad"), Column("Timeout", "late")]
    return Chart("Errors per day", "bars", "count", "Day", columns, rows)


def _turns() -> list[SimpleNamespace]:
    failed = _task(1, "error", response_errors={"status": 503, "message": "Overloaded"}, kept=311)
    slow = _task(2, "timeout", response_errors={"message": "No token in 60 s."}, cost=None, kept=82)
    return [
        _turn(1, "user", "Can you show the smallest change that fixes it?", versions=3),
        _turn(2, "assistant", CODE, _task(0, "completed", reasoning="The pool first, then locks.")),
        _turn(3, "assistant", "The first of the three migrations takes", failed),
        _turn(4, "assistant", "", slow),
        _turn(5, "assistant", "One line, and", _task(3, "cancelled", kept=13)),
        _turn(6, "assistant", "It ends in the mid", _task(4, "completed", is_cut=True)),
    ]


@get("/dev/components", include_in_schema=False)
async def components(request: Request[Any, Any, Any]) -> Template:
    """Show every part in every state."""
    runs = _runs()

    def nowhere(_: Any) -> str:
        return "#the-list"

    def nothing(_: Any) -> str:
        return ""

    asked = SimpleNamespace(view="all", q="", starred=False, chips=[])
    executions = [
        _execution(number, status)
        for number, status in enumerate(("success", "error", "timeout", "pending", "cancelled"))
    ]
    executions[1].error_message, executions[1].cost = "The provider answered 503", None
    return ui.page(
        request,
        "ui/components.html",
        sections=SECTIONS,
        tokens=TOKENS,
        runs=runs,
        turns=_turns(),
        streaming=_task(9, "streaming"),
        sidebar=SimpleNamespace(run_id=runs[2].id, key_of=nothing, path_of=nowhere, hits={}),
        table=SimpleNamespace(path_of=nowhere, asked=asked, hits={}),
        page=SimpleNamespace(items=executions, next_cursor=None),
        prompt=SimpleNamespace(id=_id(500)),
        running=("pending", "streaming"),
        charts=[_costs(), _latency(), _errors()],
        spark=spark([float(cost or 0) for cost in COSTS]),
        asked=asked,
    )


routes = [components]

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
        sidebar=SimpleNamespace(run_id=runs[2].id, key_of=nothing, path_of=nowhere),
        table=SimpleNamespace(path_of=nowhere, asked=asked),
        page=SimpleNamespace(items=executions, next_cursor=None),
        prompt=SimpleNamespace(id=_id(500)),
        running=("pending", "streaming"),
        status=None,
    )


routes = [components]

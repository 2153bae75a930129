"""AI Runs keeps every conversation that people and programs have with language models.

    import airuns
    from openai import OpenAI

    client = airuns.wrap(OpenAI())        # each call becomes part of a run, as you go on as before

docs/sdk.md has the rest: tracking by hand, the client of the whole API, what happens offline.
Every name here is imported when it is first used, so that `import airuns` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airuns.client.clients import AsyncClient, Client
    from airuns.client.delivery import configure, flush
    from airuns.client.track import track
    from airuns.client.tracking import Run, Task, current_run, current_task, resume, run
    from airuns.client.wrap import wrap

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "Client",
    "Run",
    "Task",
    "configure",
    "current_run",
    "current_task",
    "flush",
    "resume",
    "run",
    "track",
    "wrap",
]

_MODULES = {
    "AsyncClient": "clients",
    "Client": "clients",
    "configure": "delivery",
    "flush": "delivery",
    "track": "track",
    "wrap": "wrap",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'airuns' has no attribute {name!r}")
    module = import_module(f"airuns.client.{_MODULES.get(name, 'tracking')}")
    globals()[name] = value = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]

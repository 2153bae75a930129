"""News of a user's runs, for pages that list them. They are told after the transaction."""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from airuns.server.db.door import As

What = Literal["started", "ended", "changed", "deleted", "restored", "message"]


class News:
    """Tells all connections of a user what has changed; `say` reaches them."""

    def __init__(self, say: Callable[[As, str, dict[str, Any]], None]) -> None:
        self._say = say

    def run(self, who: As, run_id: UUID, what: What) -> None:
        """Tell that a run has changed; started and ended are of one of its tasks."""
        self._say(who, "run.changed", {"run_id": run_id, "what": what})

    def runs(self, who: As, action: str, change_id: UUID | None = None) -> None:
        """Tell that many runs have changed at once."""
        self._say(who, "runs.changed", {"change_id": change_id, "action": action})

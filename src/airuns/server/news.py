"""News of a user's runs, for pages that list them. They are told after the transaction."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID, uuid4

from airuns.server.db.door import As

What = Literal["started", "ended", "changed", "deleted", "restored", "message"]


class News:
    """Tells all connections of a user what has changed; `say` reaches them.

    News are counted, so that a connection can say which it has, and is told when it missed some.
    """

    def __init__(self, say: Callable[[As, str, dict[str, Any]], None]) -> None:
        self._say = say
        self._process = uuid4().hex
        self._told: Counter[UUID] = Counter()
        self._listeners: list[Callable[[], None]] = []

    def heard_by(self, listener: Callable[[], None]) -> None:
        """Have something of this process called at all news."""
        self._listeners.append(listener)

    def mark(self, user_id: UUID) -> str:
        """Return how far a user's news are; after each, and in another process, it differs."""
        return f"{self._process}.{self._told[user_id]}"

    def run(self, who: As, run_id: UUID, what: What) -> None:
        """Tell that a run has changed; started and ended are of one of its tasks."""
        self._tell(who, "run.changed", {"run_id": run_id, "what": what})

    def runs(self, who: As, action: str, change_id: UUID | None = None) -> None:
        """Tell that many runs have changed at once."""
        self._tell(who, "runs.changed", {"change_id": change_id, "action": action})

    def export(self, who: As, export_id: UUID) -> None:
        """Tell that an export is done, or failed."""
        self._tell(who, "exports.changed", {"export_id": export_id})

    def _tell(self, who: As, name: str, data: dict[str, Any]) -> None:
        self._told[who.user_id] += 1
        self._say(who, name, {**data, "mark": self.mark(who.user_id)})
        for listener in self._listeners:
            listener()

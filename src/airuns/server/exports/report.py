"""What an import reports: how many of each kind came, were there, or were refused and why."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

MOST_REASONS = 1000
"""Reasons that a report has; further refusals are only counted."""


class Refusal(msgspec.Struct, frozen=True):
    """A record that was not imported, and why; `id` is that of its run or prompt."""

    kind: str
    id: UUID | None
    reason: str


class Report(msgspec.Struct, kw_only=True):
    """What an import has done, by kinds of records (the `type` of each).

    What is `there` was there already and stays as it is, with all that belongs to it. A `record`
    that was refused could not be read.
    """

    added: dict[str, int] = {}
    there: dict[str, int] = {}
    refused: dict[str, int] = {}
    reasons: list[Refusal] = []

    def add(self, counts: Mapping[str, int]) -> None:
        """Count what has come."""
        for kind, count in counts.items():
            self.added[kind] = self.added.get(kind, 0) + count

    def know(self, kind: str) -> None:
        """Count what was there."""
        self.there[kind] = self.there.get(kind, 0) + 1

    def refuse(self, kind: str, record_id: UUID | None, reason: str) -> None:
        """Count what was refused, and keep why."""
        self.refused[kind] = self.refused.get(kind, 0) + 1
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(Refusal(kind, record_id, reason))

"""What an import reports: how many of each kind came, were there, or were refused and why."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

MOST_REASONS = 1000
"""Reasons that a report has; further refusals are only counted."""


class Refusal(msgspec.Struct, frozen=True):
    """A record that was not imported, and why.

    `id` is that of its run or prompt. In a file of another product `place` says where it is and
    `title` what it is called there.
    """

    kind: str
    id: UUID | None
    reason: str
    place: str = ""
    title: str = ""


class Report(msgspec.Struct, kw_only=True):
    """What an import has done, by kinds of records (the `type` of each).

    What is `there` was there already and stays as it is, with all that belongs to it. A run that
    has `grown` was there and has got messages that are new. A `record` that was refused could not
    be read. What is `left_out` is no conversation, such as a project in an export of Claude.
    """

    added: dict[str, int] = {}
    there: dict[str, int] = {}
    grown: dict[str, int] = {}
    left_out: dict[str, int] = {}
    refused: dict[str, int] = {}
    reasons: list[Refusal] = []

    @property
    def runs(self) -> int:
        """How many runs it has dealt with."""
        counts = (self.added, self.there, self.grown, self.refused)
        return sum(each.get("run", 0) for each in counts)

    def add(self, counts: Mapping[str, int]) -> None:
        """Count what has come."""
        for kind, count in counts.items():
            self.added[kind] = self.added.get(kind, 0) + count

    def know(self, kind: str, count: int = 1) -> None:
        """Count what was there."""
        self.there[kind] = self.there.get(kind, 0) + count

    def grow(self, kind: str) -> None:
        """Count what was there and has got more."""
        self.grown[kind] = self.grown.get(kind, 0) + 1

    def leave_out(self, kind: str, count: int) -> None:
        """Count what is not imported because it is something else."""
        self.left_out[kind] = self.left_out.get(kind, 0) + count

    def refuse(
        self, kind: str, record_id: UUID | None, reason: str, place: str = "", title: str = ""
    ) -> None:
        """Count what was refused, and keep why."""
        self.refused[kind] = self.refused.get(kind, 0) + 1
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(Refusal(kind, record_id, reason, place, title))

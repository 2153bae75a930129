"""Rules for old runs, and what came of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from airuns.server.runs.lists import RunFilter
from airuns.wire import SourceType, Tag

Action = Literal["archive", "delete", "purge"]
MOST_RULES = 20


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done with runs that nobody has touched for so many days.

    archive and delete are for runs with no message and no change since; delete moves to the trash;
    purge removes for good what has been in the trash so long. `source_type` and `tag` narrow it;
    starred runs are spared unless `starred` says otherwise.
    """

    action: Action
    days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 30
    source_type: SourceType | None = None
    tag: Tag | None = None
    starred: bool = False

    def chosen(self, before: datetime) -> tuple[RunFilter, str]:
        """Return which runs it is for, untouched since `before`, and what else holds of them.

        The condition takes the parameter `cutoff`, which is `before`.
        """
        spared = None if self.starred else False
        which = RunFilter(source_type=self.source_type, tag=self.tag, is_starred=spared)
        if self.action == "purge":
            return replace(which, deleted=True), "deleted_at < %(cutoff)s"
        quiet = "updated_at < %(cutoff)s and last_task_status is distinct from 'pending'"
        shown = False if self.action == "archive" else None
        return replace(which, before=before, archived=shown), quiet

    @property
    def takes_prompts(self) -> bool:
        """Whether it also removes deleted prompts that have no runs any more."""
        return self.action == "purge" and self.tag is None and self.source_type in (None, "prompt")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would change if it were applied now."""

    rule: Rule
    runs: int
    messages: int
    oldest: datetime | None


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """An application of all rules of a user; it goes on while `ended_at` is null."""

    started_at: datetime
    ended_at: datetime | None = None
    archived: int = 0
    deleted: int = 0
    purged: int = 0
    prompts: int = 0
    failure: str | None = None

    def with_more(self, action: Action, count: int) -> "Pass":
        """Return it after one more batch."""
        match action:
            case "archive":
                return replace(self, archived=self.archived + count)
            case "delete":
                return replace(self, deleted=self.deleted + count)
            case "purge":
                return replace(self, purged=self.purged + count)


class Emptying(msgspec.Struct, frozen=True, kw_only=True):
    """An emptying of the trash: `done` of `total` runs; it goes on while `ended_at` is null.

    It takes what was in the trash at `started_at` and matches `filter`.
    """

    id: UUID
    filter: RunFilter
    total: int
    started_at: datetime
    done: int = 0
    prompts: int = 0
    ended_at: datetime | None = None
    failure: str | None = None

    @property
    def takes_prompts(self) -> bool:
        """Whether all of the trash goes, deleted prompts included."""
        return self.filter == RunFilter(deleted=True)


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """A user's rules, when they are applied next, and how the last time went.

    `erase_asked_at` is when the user was to be erased, which then is under way.
    """

    rules: list[Rule] = []
    due_at: datetime | None = None
    last_pass: Pass | None = None
    emptying: Emptying | None = None
    erase_asked_at: datetime | None = None

"""Decisions of the recorder without a database."""

from collections.abc import Sequence
from typing import Any

from airuns.events import AnyEvent, RunEvent
from airuns.server.runs.rules import Turn

NEAR = 8
ENOUGH = 40  # events for a second transaction beside the first
KEPT = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort")


def recognisable(turns: list[Turn], hashes: list[bytes]) -> list[bytes]:
    """Return the hashes by which a conversation may be known, that of its end first.

    A known beginning says which run it is only if an answer is in it: many conversations begin with
    the same system text or the same question.
    """
    first = next((at for at, turn in enumerate(turns) if turn.role == "assistant"), len(turns))
    return hashes[:first:-1] + hashes[first : first + 1]


def settings_of(
    provider: str | None, model: str | None, request: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the model and the settings that a person who goes on with a run begins with."""
    if not provider or not model:
        return {}
    kept = {name: request[name] for name in KEPT if request and request.get(name) is not None}
    return {"model": f"{provider}/{model}", **kept}


def lanes(events: Sequence[AnyEvent]) -> list[list[int]]:
    """Return the places of events that can be stored beside each other, in two lists or in one.

    Those of a run stay together, in their order. An event that names no run may be of any.
    """
    if len(events) < ENOUGH:
        return [list(range(len(events)))]
    split: tuple[list[int], list[int]] = ([], [])
    for at, event in enumerate(events):
        run_id = event.id if isinstance(event, RunEvent) else event.run_id
        if run_id is None:
            return [list(range(len(events)))]
        split[run_id.int & 1].append(at)
    return [lane for lane in split if lane]

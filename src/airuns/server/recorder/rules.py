"""Decisions of the recorder without a database."""

from typing import Any

from airuns.server.runs.rules import Turn

NEAR = 8
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

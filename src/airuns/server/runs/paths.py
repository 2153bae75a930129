"""Where a run's page is."""

from uuid import UUID


def path_of(run_id: UUID, prompt_id: UUID | None) -> str:
    """Return the page on which a run goes on: that of its prompt, or the chat."""
    return f"/ai/prompts/run/{prompt_id}/{run_id}" if prompt_id else f"/ai/chat/{run_id}"

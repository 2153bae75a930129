"""Pages of runs: the runner and the chat, the sidebar, the tables of runs, the palette."""

from uuid import UUID

from litestar.handlers import HTTPRouteHandler


def path_of(run_id: UUID, prompt_id: UUID | None) -> str:
    """Return the page on which a run goes on: that of its prompt, or the chat."""
    return f"/ai/prompts/run/{prompt_id}/{run_id}" if prompt_id else f"/ai/chat/{run_id}"


routes: list[HTTPRouteHandler] = []

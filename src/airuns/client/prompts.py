"""Prompts, and the models and providers that there are."""

from typing import Any, Unpack

from airuns.client import bodies_prompts as bodies
from airuns.client import results_prompts as results
from airuns.client.endpoints import C, Call, Id, Page, Resource, call, endpoint, listing, streamed


class Prompts(Resource[C]):
    """Prompts, their versions and their history. `Runs.execute` runs one."""

    @endpoint
    def create(self, **prompt: Unpack[bodies.NewPrompt]) -> Call[results.Prompt]:
        """Save a prompt."""
        return call(results.Prompt, "POST", "/api/prompts", body=prompt)

    @listing
    def list(self, **query: Unpack[bodies.ListPromptsQuery]) -> Call[Page[results.PromptRow]]:
        """List prompts."""
        return call(Page[results.PromptRow], "GET", "/api/prompts", params=query)

    @endpoint
    def get(self, prompt_id: Id, **query: Unpack[bodies.GetPromptQuery]) -> Call[results.Prompt]:
        """Return a prompt, or one of its versions."""
        return call(results.Prompt, "GET", "/api/prompts/{}", prompt_id, params=query)

    @endpoint
    def replace(
        self, prompt_id: Id, if_match: str | None = None, **prompt: Unpack[bodies.WholePrompt]
    ) -> Call[results.Prompt]:
        """Put another prompt in its place, if it still is the version `if_match`."""
        path, headers = "/api/prompts/{}", _if_match(if_match)
        return call(results.Prompt, "PUT", path, prompt_id, body=prompt, headers=headers)

    @endpoint
    def change(
        self, prompt_id: Id, if_match: str | None = None, **change: Unpack[bodies.PromptChange]
    ) -> Call[results.Prompt]:
        """Change some of a prompt, if it still is the version `if_match`."""
        path, headers = "/api/prompts/{}", _if_match(if_match)
        return call(results.Prompt, "PATCH", path, prompt_id, body=change, headers=headers)

    @endpoint
    def delete(
        self, prompt_id: Id, **query: Unpack[bodies.DeletePromptQuery]
    ) -> Call[results.Deletion]:
        """Put a prompt and its runs into the trash; with `purge` remove them for good."""
        return call(results.Deletion, "DELETE", "/api/prompts/{}", prompt_id, params=query)

    @endpoint
    def preview_deletion(self, prompt_id: Id) -> Call[results.Deletion]:
        """Say what would go with a prompt."""
        return call(results.Deletion, "GET", "/api/prompts/{}/deletion", prompt_id)

    @endpoint
    def restore(self, prompt_id: Id) -> Call[results.Prompt]:
        """Take a prompt and its runs out of the trash."""
        return call(results.Prompt, "POST", "/api/prompts/{}/restore", prompt_id)

    @endpoint
    def duplicate(self, prompt_id: Id, **copy: Unpack[bodies.Copy]) -> Call[results.Prompt]:
        """Save a copy of a prompt."""
        return call(results.Prompt, "POST", "/api/prompts/{}/duplicate", prompt_id, body=copy)

    @listing
    def versions(
        self, prompt_id: Id, **query: Unpack[bodies.ListVersionsQuery]
    ) -> Call[Page[results.VersionRow]]:
        """List a prompt's versions, newest first."""
        path = "/api/prompts/{}/versions"
        return call(Page[results.VersionRow], "GET", path, prompt_id, params=query)

    @listing
    def history(
        self, prompt_id: Id, **query: Unpack[bodies.ListHistoryQuery]
    ) -> Call[Page[results.HistoryItem]]:
        """List a prompt's executions, newest first."""
        path = "/api/prompts/{}/history"
        return call(Page[results.HistoryItem], "GET", path, prompt_id, params=query)

    @streamed
    def history_csv(
        self, prompt_id: Id, **query: Unpack[bodies.DownloadHistoryQuery]
    ) -> Call[bytes]:
        """Yield a prompt's executions as CSV, piece by piece."""
        path = "/api/prompts/{}/history.csv"
        return call(bytes, "GET", path, prompt_id, params=query, shape="bytes")


def _if_match(version: Any) -> dict[str, str]:
    return {} if version is None else {"If-Match": version}


class Models(Resource[C]):
    """Models, and what they cost."""

    @listing
    def list(self, **query: Unpack[bodies.ListModelsQuery]) -> Call[Page[results.ModelRow]]:
        """List the models."""
        return call(Page[results.ModelRow], "GET", "/api/models", params=query)

    @endpoint
    def put_price(
        self, provider: str, name: str, **price: Unpack[bodies.PriceChange]
    ) -> Call[results.OwnPrice]:
        """Say what a model costs."""
        return call(results.OwnPrice, "PUT", "/api/models/{}/{}", provider, name, body=price)

    @endpoint
    def delete_price(self, provider: str, name: str) -> Call[None]:
        """Go back to the known price of a model."""
        return call(type(None), "DELETE", "/api/models/{}/{}", provider, name)


class Providers(Resource[C]):
    """Where models are reached."""

    @listing
    def list(self) -> Call[Page[results.ProviderRow]]:
        """List the providers."""
        return call(Page[results.ProviderRow], "GET", "/api/model-providers")

    @endpoint
    def get(self, name: str) -> Call[results.ProviderRow]:
        """Return a provider."""
        return call(results.ProviderRow, "GET", "/api/model-providers/{}", name)

    @endpoint
    def put(self, name: str, **change: Unpack[bodies.ProviderChange]) -> Call[results.ProviderRow]:
        """Add or change a provider."""
        return call(results.ProviderRow, "PUT", "/api/model-providers/{}", name, body=change)

    @endpoint
    def delete(self, name: str) -> Call[None]:
        """Remove a provider."""
        return call(type(None), "DELETE", "/api/model-providers/{}", name)

    @endpoint
    def test(self, name: str, **trial: Unpack[bodies.Trial]) -> Call[results.Probe]:
        """Try whether a provider answers."""
        return call(results.Probe, "POST", "/api/model-providers/{}/test", name, body=trial)


class Aliases(Resource[C]):
    """Other names for models, with models to fall back on."""

    @listing
    def list(self) -> Call[Page[results.Alias]]:
        """List the names."""
        return call(Page[results.Alias], "GET", "/api/model-aliases")

    @endpoint
    def put(self, name: str, **alias: Unpack[bodies.AliasChange]) -> Call[results.Alias]:
        """Say which model a name means."""
        return call(results.Alias, "PUT", "/api/model-aliases/{}", name, body=alias)

    @endpoint
    def delete(self, name: str) -> Call[None]:
        """Remove a name."""
        return call(type(None), "DELETE", "/api/model-aliases/{}", name)

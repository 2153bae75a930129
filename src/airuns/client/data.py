"""Files, what was used, budgets, and what becomes of old runs."""

from collections.abc import Sequence
from typing import Unpack

from airuns.client import bodies_store as bodies
from airuns.client import bodies_usage as usage
from airuns.client import results_store as results
from airuns.client import results_usage as used
from airuns.client.endpoints import C, Call, Id, Page, Resource, call, endpoint, listing, streamed
from airuns.events import AnyEvent, Outcome


class Exports(Resource[C]):
    """Runs to take away, and to bring back."""

    @streamed
    def runs(self, **query: Unpack[bodies.ExportRunsQuery]) -> Call[bytes]:
        """Yield the runs that a filter matches as a file (`format`), piece by piece."""
        return call(bytes, "GET", "/api/export", params=query, shape="bytes")

    @endpoint
    def create(self, **export: Unpack[bodies.NewExport]) -> Call[results.Export]:
        """Have a file made in the background."""
        return call(results.Export, "POST", "/api/exports", body=export)

    @listing
    def list(self, **query: Unpack[bodies.ListExportsQuery]) -> Call[Page[results.Export]]:
        """List the files."""
        return call(Page[results.Export], "GET", "/api/exports", params=query)

    @endpoint
    def get(self, export_id: Id) -> Call[results.Export]:
        """Return how far a file is."""
        return call(results.Export, "GET", "/api/exports/{}", export_id)

    @streamed
    def download(self, export_id: Id) -> Call[bytes]:
        """Yield a file, piece by piece."""
        return call(bytes, "GET", "/api/exports/{}/download", export_id, shape="bytes")

    @endpoint
    def delete(self, export_id: Id) -> Call[None]:
        """Remove a file."""
        return call(type(None), "DELETE", "/api/exports/{}", export_id)

    @endpoint
    def import_file(self, content: bytes) -> Call[results.Report]:
        """Import a file: an archive, or what ChatGPT, Claude and others export."""
        return call(results.Report, "POST", "/api/import", content=content)


class Attachments(Resource[C]):
    """Files to send with messages."""

    @endpoint
    def add(
        self, content: bytes, **query: Unpack[bodies.AddAttachmentQuery]
    ) -> Call[results.AttachmentView]:
        """Keep a file."""
        path = "/api/attachments"
        return call(results.AttachmentView, "POST", path, params=query, content=content)

    @endpoint
    def get(self, attachment_id: Id) -> Call[bytes]:
        """Return a file."""
        return call(bytes, "GET", "/api/attachments/{}", attachment_id)

    @endpoint
    def delete(self, attachment_id: Id) -> Call[None]:
        """Remove a file that no message names."""
        return call(type(None), "DELETE", "/api/attachments/{}", attachment_id)


class Analytics(Resource[C]):
    """What was used."""

    @endpoint
    def dashboard(self, **query: Unpack[usage.GetDashboardQuery]) -> Call[used.Dashboard]:
        """Return what was used in a time, by everything."""
        return call(used.Dashboard, "GET", "/api/analytics", params=query)

    @endpoint
    def table(self, name: str, **query: Unpack[usage.GetTableQuery]) -> Call[bytes]:
        """Return one table whole, such as models.csv or models.json."""
        return call(bytes, "GET", "/api/analytics/{}", name, params=query)


class Budgets(Resource[C]):
    """How much may be spent."""

    @endpoint
    def list(self) -> Call[used.Budgets]:
        """Return one's budgets and how they stand."""
        return call(used.Budgets, "GET", "/api/budgets")

    @endpoint
    def create(self, **budget: Unpack[usage.AddBudget]) -> Call[used.Budget]:
        """Add a budget."""
        return call(used.Budget, "POST", "/api/budgets", body=budget)

    @endpoint
    def get(self, budget_id: Id) -> Call[used.Budget]:
        """Return a budget."""
        return call(used.Budget, "GET", "/api/budgets/{}", budget_id)

    @endpoint
    def change(self, budget_id: Id, **change: Unpack[usage.ChangeBudget]) -> Call[used.Budget]:
        """Change a budget."""
        return call(used.Budget, "PATCH", "/api/budgets/{}", budget_id, body=change)

    @endpoint
    def delete(self, budget_id: Id) -> Call[None]:
        """Remove a budget."""
        return call(type(None), "DELETE", "/api/budgets/{}", budget_id)


class Retention(Resource[C]):
    """What becomes of old runs, and the trash."""

    @endpoint
    def get(self) -> Call[results.Retention]:
        """Return the rules and what they did."""
        return call(results.Retention, "GET", "/api/retention")

    @endpoint
    def put(self, **rules: Unpack[bodies.Rules]) -> Call[results.Retention]:
        """Set the rules."""
        return call(results.Retention, "PUT", "/api/retention", body=rules)

    @endpoint
    def preview(self, **rules: Unpack[bodies.Rules]) -> Call[results.Preview]:
        """Say what rules would change."""
        return call(results.Preview, "POST", "/api/retention/preview", body=rules)

    @endpoint
    def empty_trash(self, **which: Unpack[bodies.EmptyTrash]) -> Call[results.Emptying]:
        """Remove deleted runs for good."""
        return call(results.Emptying, "POST", "/api/trash/empty", body=which)


class Events(Resource[C]):
    """What happened elsewhere, told at once; airuns.run() and airuns.wrap() use a queue."""

    @endpoint
    def send(self, events: Sequence[AnyEvent]) -> Call[Outcome]:
        """Tell of runs, messages, tasks and calls; return what was stored."""
        return call(Outcome, "POST", "/api/events", body=list(events))
